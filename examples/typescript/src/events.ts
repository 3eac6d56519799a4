// The rpcs of messages that need no decision: sending is allowed, and what was sent is counted.

import type { MessageServiceServer } from "./generated/openim/decider/v1/message_service.js";

export class Events {
	sent = 0;

	readonly rpcs = {
		beforeSendSingleMsg: (_, reply) => reply(null, {}),
		beforeSendGroupMsg: (_, reply) => reply(null, {}),
		afterSendSingleMsg: (_, reply) => {
			this.sent++;
			reply(null, {});
		},
		afterSendGroupMsg: (_, reply) => {
			this.sent++;
			reply(null, {});
		},
	} satisfies Partial<MessageServiceServer>;
}
