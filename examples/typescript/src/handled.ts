// The after-callbacks that were handled. Each is delivered at least once, always with the same callback-id.

/** How many callback ids are kept; the oldest go first. */
export const REMEMBERED = 10_000;

/**
 * Stands in for a database: a real decider stores the id with the effect, under a unique key and
 * in the same transaction. This memory ends with the process, and several processes don't share it.
 */
export class Handled {
	readonly #outcomes = new Map<string, Promise<void>>();

	/**
	 * Does the work, unless it was done for this id before, or is being done: then its outcome is
	 * shared. After an error the next delivery does it again. A call that was made by hand may have
	 * no id; its work is always done.
	 */
	once(id: string, work: () => Promise<void>): Promise<void> {
		if (id === "") return work();
		const known = this.#outcomes.get(id);
		if (known) return known;
		const outcome = work();
		this.#outcomes.set(id, outcome);
		outcome.catch(() => this.#outcomes.delete(id));
		const [oldest = ""] = this.#outcomes.keys();
		if (this.#outcomes.size > REMEMBERED) this.#outcomes.delete(oldest);
		return outcome;
	}
}
