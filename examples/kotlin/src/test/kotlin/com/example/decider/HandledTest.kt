// Each test shows one rule of what is handled once.

package com.example.decider

import kotlinx.coroutines.launch
import kotlinx.coroutines.runBlocking
import kotlinx.coroutines.yield
import kotlin.test.Test
import kotlin.test.assertEquals
import kotlin.test.assertFailsWith

class HandledTest {
    private val handled = Handled()
    private var done = 0

    private suspend fun deliver(id: String) = handled.once(id) {
        yield()
        done++
    }

    @Test
    fun `a second delivery does nothing`() = runBlocking {
        deliver("c1")
        deliver("c1")
        assertEquals(1, done)
    }

    @Test
    fun `what failed is done again`() = runBlocking {
        assertFailsWith<IllegalStateException> { handled.once("c1") { error("no database") } }
        deliver("c1")
        assertEquals(1, done)
    }

    @Test
    fun `deliveries at the same time do it once`() {
        runBlocking { repeat(2) { launch { deliver("c1") } } }
        assertEquals(1, done)
    }

    @Test
    fun `without an id it is always done`() = runBlocking {
        deliver("")
        deliver("")
        assertEquals(2, done)
    }

    @Test
    fun `the oldest id is forgotten first`() = runBlocking {
        for (id in 0..REMEMBERED) deliver("$id")
        deliver("1")
        assertEquals(REMEMBERED + 1, done)
        deliver("0")
        assertEquals(REMEMBERED + 2, done)
    }
}
