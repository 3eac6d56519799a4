// The rpcs of messages that need no decision: sending is allowed, and what was sent is counted once.

import type { ServerUnaryCall } from "@grpc/grpc-js";
import type { MessageServiceServer } from "./generated/openim/decider/v1/message_service.js";
import { Handled } from "./handled.js";

export class Events {
	sent = 0;
	readonly #handled = new Handled();

	readonly rpcs = {
		beforeSendSingleMsg: (_, reply) => reply(null, {}),
		beforeSendGroupMsg: (_, reply) => reply(null, {}),
		afterSendSingleMsg: (call, reply) => {
			this.#count(call).then(() => reply(null, {}), reply);
		},
		afterSendGroupMsg: (call, reply) => {
			this.#count(call).then(() => reply(null, {}), reply);
		},
	} satisfies Partial<MessageServiceServer>;

	#count({ metadata }: ServerUnaryCall<unknown, unknown>) {
		return this.#handled.once(metadata.get("callback-id").join(), async () => {
			this.sent++;
		});
	}
}
