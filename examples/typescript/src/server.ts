// The server around the decisions: health, reflection, a log line a call, and a graceful stop.

import { readFileSync } from "node:fs";
import { promisify } from "node:util";
import { fromBinary, toBinary } from "@bufbuild/protobuf";
import {
	FileDescriptorProtoSchema,
	FileDescriptorSetSchema,
} from "@bufbuild/protobuf/wkt";
import {
	Metadata,
	Server,
	ServerCredentials,
	ServerInterceptingCall,
	type ServerInterceptor,
	status,
} from "@grpc/grpc-js";
import type { PackageDefinition } from "@grpc/proto-loader";
import { ReflectionService } from "@grpc/reflection";
import { HealthImplementation, type ServingStatus } from "grpc-health-check";
import type { Logger } from "pino";
import { messageRpcs, userRpcs } from "./decide.js";
import { Events } from "./events.js";
import { MessageServiceService } from "./generated/openim/decider/v1/message_service.js";
import { UserServiceService } from "./generated/openim/decider/v1/user_service.js";

/** How long calls in flight may take once the server stops, in milliseconds. */
const GRACE = 10_000;

const SERVICES = [
	"openim.decider.v1.UserService",
	"openim.decider.v1.MessageService",
];

/** Listens on the address, and answers calls until `stop`, which finishes those in flight. */
export async function serve(address: string, log: Logger) {
	const [, host] = /^(.+):\d+$/.exec(address) ?? [];
	if (host === undefined) throw new Error(`"${address}" is not host:port`);

	const events = new Events();
	const health = new HealthImplementation();
	const setStatus = (status: ServingStatus) => {
		for (const name of ["", ...SERVICES]) health.setStatus(name, status);
	};

	const server = new Server({ interceptors: [observe(log)] });
	// What these have no function for answers UNIMPLEMENTED.
	server.addService(UserServiceService, userRpcs);
	server.addService(MessageServiceService, { ...messageRpcs, ...events.rpcs });
	health.addToServer(server);
	new ReflectionService(contract(), { services: SERVICES }).addToServer(server);

	const port = await promisify(server.bindAsync.bind(server))(
		address,
		ServerCredentials.createInsecure(),
	);
	setStatus("SERVING");
	log.info({ address: `${host}:${port}` }, "listening");

	async function stop() {
		setStatus("NOT_SERVING");
		const force = setTimeout(() => server.forceShutdown(), GRACE);
		await promisify(server.tryShutdown.bind(server))();
		clearTimeout(force);
		log.info({ after_callbacks: events.sent }, "stopped");
	}
	return { port, stop };
}

/**
 * The contract's files, which are all that reflection reads of a package definition. One made by
 * proto-loader would not do: it merges the files into one that clients can't read.
 */
function contract() {
	const bytes = readFileSync(new URL("contract.binpb", import.meta.url));
	const { file } = fromBinary(FileDescriptorSetSchema, bytes);
	const fileDescriptorProtos = file.map((file) =>
		toBinary(FileDescriptorProtoSchema, file),
	);
	return { contract: { fileDescriptorProtos } } as unknown as PackageDefinition;
}

/** Logs each call, and does not decide calls whose deadline has passed. */
const observe =
	(log: Logger): ServerInterceptor =>
	({ path }, call) => {
		const start = performance.now();
		const isLate = () => Date.now() >= Number(call.getDeadline());
		let metadata = new Metadata();
		let code: status | undefined;

		return new ServerInterceptingCall(call, {
			start: (next) =>
				next({
					onReceiveMetadata(received, next) {
						metadata = received;
						next(received);
					},
					// The request is here. The library does not get this far with a cancelled call; but its
					// timer for the deadline fires after 1 ms at the earliest, when all may be decided.
					onReceiveHalfClose(next) {
						if (!isLate()) return next();
						call.sendStatus({
							code: status.DEADLINE_EXCEEDED,
							details: "the deadline has passed",
						});
					},
					// Comes at the end of every call. What the library refuses by itself, like a message
					// that it can't decode, looks like a cancelled call from here.
					onCancel() {
						code ??= isLate() ? status.DEADLINE_EXCEEDED : status.CANCELLED;
						log.info(
							{
								rpc: path,
								operation_id: decoded(text(metadata, "openim-operation-id")),
								callback_id: text(metadata, "callback-id"),
								status: status[code],
								ms: Math.round(performance.now() - start),
							},
							"call",
						);
					},
				}),
			sendStatus(sent, next) {
				code = sent.code;
				next(sent);
			},
		});
	};

const text = (metadata: Metadata, key: string) => metadata.get(key).join();

function decoded(text: string): string {
	try {
		return decodeURIComponent(text);
	} catch {
		return text;
	}
}
