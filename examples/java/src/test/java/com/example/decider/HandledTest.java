// Each test shows one rule of what is handled once.

package com.example.decider;

import static java.util.concurrent.TimeUnit.SECONDS;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.concurrent.Executors;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.Test;

final class HandledTest {
  private final Handled handled = new Handled();
  private int done;

  private void deliver(String id) {
    handled.once(id, () -> done++);
  }

  @Test
  void aSecondDeliveryDoesNothing() {
    deliver("c1");
    deliver("c1");
    assertEquals(1, done);
  }

  @Test
  void whatFailedIsDoneAgain() {
    Runnable failing =
        () -> {
          throw new IllegalStateException("no database");
        };
    assertThrows(IllegalStateException.class, () -> handled.once("c1", failing));
    deliver("c1");
    assertEquals(1, done);
  }

  @Test
  void deliveriesAtTheSameTimeDoItOnce() throws InterruptedException {
    Runnable slow =
        () -> {
          LockSupport.parkNanos(1_000_000);
          done++;
        };
    var threads = Executors.newFixedThreadPool(10);
    for (var i = 0; i < 10; i++) threads.execute(() -> handled.once("c1", slow));
    threads.shutdown();
    assertTrue(threads.awaitTermination(10, SECONDS));
    assertEquals(1, done);
  }

  @Test
  void withoutAnIdItIsAlwaysDone() {
    deliver("");
    deliver("");
    assertEquals(2, done);
  }

  @Test
  void theOldestIdIsForgottenFirst() {
    for (var id = 0; id <= Handled.REMEMBERED; id++) deliver(Integer.toString(id));
    deliver("1");
    assertEquals(Handled.REMEMBERED + 1, done);
    deliver("0");
    assertEquals(Handled.REMEMBERED + 2, done);
  }
}
