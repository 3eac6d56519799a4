// The after-callbacks that were handled. Each comes at least once, always with one callback-id.

package com.example.decider;

import java.util.LinkedHashSet;
import java.util.Set;

/**
 * Stands in for a database: a real decider stores the id with the effect, under a unique key and in
 * the same transaction. This memory ends with the process, and several processes don't share it.
 */
final class Handled {
  /** How many callback ids are kept; the oldest go first. */
  static final int REMEMBERED = 10_000;

  private final Set<String> ids = new LinkedHashSet<>();

  /**
   * Does the work, unless it was done for this id before. After an exception the next delivery does
   * it again. A call that was made by hand may have no id; its work is always done. Synchronized:
   * two deliveries at the same time do it once. With a database no other id would wait.
   */
  synchronized void once(String id, Runnable work) {
    if (ids.contains(id)) return;
    work.run();
    if (!id.isEmpty()) ids.add(id);
    if (ids.size() > REMEMBERED) ids.remove(ids.iterator().next());
  }
}
