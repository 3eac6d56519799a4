// Each test shows one rule of what is handled once.

import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import { Handled, REMEMBERED } from "./handled.js";

let handled: Handled;
let done: number;

beforeEach(() => {
	handled = new Handled();
	done = 0;
});

const deliver = (id: string) =>
	handled.once(id, async () => {
		done++;
	});

test("a second delivery does nothing", async () => {
	await deliver("c1");
	await deliver("c1");
	assert.equal(done, 1);
});

test("what failed is done again", async () => {
	const fail = async () => {
		throw new Error("no database");
	};
	await assert.rejects(handled.once("c1", fail), { message: "no database" });
	await deliver("c1");
	assert.equal(done, 1);
});

test("deliveries at the same time do it once", async () => {
	const slow = async () => {
		await Promise.resolve();
		done++;
	};
	await Promise.all([handled.once("c1", slow), handled.once("c1", slow)]);
	assert.equal(done, 1);
});

test("without an id it is always done", async () => {
	await deliver("");
	await deliver("");
	assert.equal(done, 2);
});

test("the oldest id is forgotten first", async () => {
	for (let id = 0; id <= REMEMBERED; id++) await deliver(`${id}`);
	await deliver("1");
	assert.equal(done, REMEMBERED + 1);
	await deliver("0");
	assert.equal(done, REMEMBERED + 2);
});
