// The decisions: which nicknames are refused or trimmed, and which word is masked.

import { Denial } from "./generated/openim/decider/v1/denial.js";
import { ContentType } from "./generated/openim/decider/v1/enums.js";
import type {
	MessageServiceServer,
	Msg,
} from "./generated/openim/decider/v1/message_service.js";
import type {
	BeforeUserRegisterRequest,
	UserServiceServer,
} from "./generated/openim/decider/v1/user_service.js";

const RESERVED = new Set(["admin", "root", "support"]);

const denial = Denial.create({
	code: 5001,
	message: "this nickname is reserved",
	reason: "reserved nickname",
});

const isReserved = (name: string) => RESERVED.has(name.trim().toLowerCase());

/** What the name becomes. Undefined leaves it alone. */
const trimmed = (name: string) =>
	name === name.trim() ? undefined : name.trim();

/** Refuses a reserved name, and trims others. An unset one is empty, and so left alone. */
const judge = ({ nickname = "" }) =>
	isReserved(nickname) ? { denial } : { nickname: trimmed(nickname) };

function judgeAll({ users }: BeforeUserRegisterRequest) {
	if (users.some((u) => isReserved(u.nickname))) return { denial, users: [] };
	const edits = users.map(({ userId, nickname }) => ({
		userId,
		nickname: trimmed(nickname),
	}));
	return { users: edits.filter(({ nickname }) => nickname !== undefined) };
}

/**
 * What a text message says instead. Undefined leaves it alone. Numbers that JavaScript can't hold
 * lose digits, but the content of text messages has none.
 */
function masked(msg?: Msg): string | undefined {
	if (msg?.contentType !== ContentType.TEXT) return undefined;
	try {
		const message: { content?: unknown } | null = JSON.parse(msg.content);
		if (typeof message?.content !== "string") return undefined;
		const content = message.content.replace(/darn/gi, "****");
		if (content === message.content) return undefined;
		return JSON.stringify({ ...message, content });
	} catch {
		return undefined; // It is no JSON.
	}
}

export const userRpcs = {
	beforeUpdateUserInfo: (call, reply) => reply(null, judge(call.request)),
	beforeUpdateUserInfoEx: (call, reply) => reply(null, judge(call.request)),
	beforeUserRegister: (call, reply) => reply(null, judgeAll(call.request)),
} satisfies Partial<UserServiceServer>;

export const messageRpcs = {
	beforeMsgModify: (call, reply) =>
		reply(null, { content: masked(call.request.msg) }),
} satisfies Partial<MessageServiceServer>;
