// The after-callbacks that were handled. Each is delivered at least once, always with the same callback-id.

package com.example.decider

import kotlinx.coroutines.sync.Mutex
import kotlinx.coroutines.sync.withLock

/** How many callback ids are kept; the oldest go first. */
internal const val REMEMBERED = 10_000

/**
 * Stands in for a database: a real decider stores the id with the effect, under a unique key and in the same
 * transaction. This memory ends with the process, and several processes don't share it.
 */
class Handled {
    private val ids = LinkedHashSet<String>()
    private val lock = Mutex()

    /**
     * Does the work, unless it was done for this id before. After an exception the next delivery does it again. A call
     * that was made by hand may have no id; its work is always done.
     */
    suspend fun once(id: String, work: suspend () -> Unit) {
        // Held during the work: two deliveries at the same time do it once. With a database no other id would wait.
        lock.withLock {
            if (id in ids) return
            work()
            if (id.isNotEmpty()) ids += id
            if (ids.size > REMEMBERED) ids -= ids.first()
        }
    }
}
