// Each test shows one rule, through a client and a server on a port that the kernel gives.

import assert from "node:assert/strict";
import { after, test } from "node:test";
import { fileURLToPath } from "node:url";
import * as grpc from "@grpc/grpc-js";
import { loadSync } from "@grpc/proto-loader";
import { service as health } from "grpc-health-check";
import { pino } from "pino";
import { ContentType } from "./generated/openim/decider/v1/enums.js";
import * as messages from "./generated/openim/decider/v1/message_service.js";
import * as users from "./generated/openim/decider/v1/user_service.js";
import { serve } from "./server.js";

const { MessageServiceService: message, Msg } = messages;
const { UserServiceService: user, User, UserEdit } = users;

const logged: Record<string, unknown>[] = [];
const log = pino({}, { write: (line) => logged.push(JSON.parse(line)) });
const server = await serve("127.0.0.1:0", log);
const address = `127.0.0.1:${server.port}`;
const client = new grpc.Client(address, grpc.credentials.createInsecure());

after(() => {
	client.close();
	return server.stop();
});

/** What the server answers to the rpc. */
const ask = <Request, Response>(
	rpc: grpc.MethodDefinition<Request, Response>,
	request: Request,
	metadata: Record<string, string> = {},
) =>
	new Promise<Response>((resolve, reject) => {
		client.makeUnaryRequest(
			rpc.path,
			rpc.requestSerialize,
			rpc.responseDeserialize,
			request,
			grpc.Metadata.fromHttp2Headers(metadata),
			(error, response) =>
				error ? reject(error) : resolve(response as Response),
		);
	});

const rename = (nickname?: string) =>
	ask(user.beforeUpdateUserInfo, { userId: "u1", nickname });

const register = (...nicknames: string[]) =>
	ask(user.beforeUserRegister, {
		users: nicknames.map((nickname) =>
			User.create({ userId: nickname, nickname }),
		),
	});

const modify = (contentType: ContentType, content: string) =>
	ask(message.beforeMsgModify, { msg: Msg.create({ contentType, content }) });

test("a reserved name is refused", async () => {
	const { denial } = await rename("  AdMin ");
	assert.equal(denial?.code, 5001);
	assert.equal(denial.message, "this nickname is reserved");
	assert.equal(denial.reason, "reserved nickname");
});

test("a name is trimmed", async () => {
	const { denial, nickname } = await rename(" Ada ");
	assert.equal(denial, undefined);
	assert.equal(nickname, "Ada");
});

test("an unset name is left alone", async () => {
	const { denial, nickname } = await rename();
	assert.equal(denial, undefined);
	assert.equal(nickname, undefined);
});

test("the newer update is decided alike", async () => {
	const { denial } = await ask(user.beforeUpdateUserInfoEx, {
		userId: "u1",
		nickname: "root",
	});
	assert.equal(denial?.code, 5001);
});

test("a registration edits only who needs it", async () => {
	const { denial, users } = await register("Ada", " Bob ");
	assert.equal(denial, undefined);
	assert.deepEqual(users, [
		UserEdit.create({ userId: " Bob ", nickname: "Bob" }),
	]);
});

test("one reserved name refuses all", async () => {
	const { denial, users } = await register(" Bob ", "root");
	assert.equal(denial?.code, 5001);
	assert.deepEqual(users, []);
});

test("a word is masked", async () => {
	const { content } = await modify(
		ContentType.TEXT,
		'{"content":"a DARNed day","n":1}',
	);
	assert.equal(content, '{"content":"a ****ed day","n":1}');
});

for (const [what, contentType, text] of [
	["text without the word", ContentType.TEXT, '{"content":"a day"}'],
	["what is no such object", ContentType.TEXT, '["darn"]'],
	["what is no JSON", ContentType.TEXT, "darn"],
	["other content", ContentType.PICTURE, '{"content":"darn"}'],
] as const) {
	test(`${what} is left alone`, async () => {
		const { content } = await modify(contentType, text);
		assert.equal(content, undefined);
	});
}

test("an undecided rpc is unimplemented", async () => {
	const answer = ask(user.afterUserRegister, { users: [] });
	await assert.rejects(answer, { code: grpc.status.UNIMPLEMENTED });
});

test("health says SERVING", async () => {
	assert(health.Check);
	const answer = await ask(health.Check, {
		service: "openim.decider.v1.UserService",
	});
	assert.deepEqual(answer, { status: "SERVING" });
});

test("reflection lists the services", async () => {
	const file =
		"@grpc/reflection/build/proto/grpc/reflection/v1/reflection.proto";
	const reflection = loadSync(fileURLToPath(import.meta.resolve(file)));
	const service = reflection[
		"grpc.reflection.v1.ServerReflection"
	] as grpc.ServiceDefinition;
	const rpc = service.ServerReflectionInfo;
	assert(rpc);
	const stream = client.makeBidiStreamRequest(
		rpc.path,
		rpc.requestSerialize,
		rpc.responseDeserialize,
	);
	stream.end({ listServices: "" });
	const [answer] = await stream.toArray();
	assert.deepEqual(answer.listServicesResponse.service, [
		{ name: "openim.decider.v1.MessageService" },
		{ name: "openim.decider.v1.UserService" },
	]);
});

test("a passed deadline is not decided", async () => {
	// A client that took it for its own deadline would not even ask. Many at once, since one could
	// be ended by the library's timer.
	const calls = Array.from({ length: 50 }, () =>
		ask(message.afterSendSingleMsg, { recvId: "u1" }, { "grpc-timeout": "1n" }),
	);
	for (const call of await Promise.allSettled(calls)) {
		assert.equal(call.status, "rejected");
		assert.equal(call.reason.code, grpc.status.DEADLINE_EXCEEDED);
	}
});

// The last one, since it stops the server.
test("after-callbacks are counted once, and calls logged", async () => {
	const ids = { "openim-operation-id": "caf%C3%A9", "callback-id": "c1" };
	await ask(message.afterSendSingleMsg, { recvId: "u1" });
	await ask(message.afterSendGroupMsg, { groupId: "g1" }, ids);
	await ask(message.afterSendGroupMsg, { groupId: "g1" }, ids);
	await server.stop();
	const [call, stopped] = logged.slice(-2);
	assert.equal(call?.rpc, message.afterSendGroupMsg.path);
	assert.equal(call.operation_id, "café");
	assert.equal(call.callback_id, "c1");
	assert.equal(call.status, "OK");
	assert.equal(stopped?.after_callbacks, 2);
});
