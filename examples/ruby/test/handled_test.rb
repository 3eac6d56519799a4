# frozen_string_literal: true

# Each test shows one rule of what is handled once.

require "minitest/autorun"
require "decider/handled"

class HandledTest < Minitest::Test
  def setup
    @handled = Decider::Handled.new
    @done = 0
  end

  def deliver(id)
    @handled.once(id) { @done += 1 }
  end

  def test_a_second_delivery_does_nothing
    2.times { deliver("c1") }
    assert_equal 1, @done
  end

  def test_what_failed_is_done_again
    assert_raises(IOError) { @handled.once("c1") { raise IOError } }
    deliver("c1")
    assert_equal 1, @done
  end

  def test_deliveries_at_the_same_time_do_it_once
    slow = lambda do
      @handled.once("c1") do
        sleep 0.001
        @done += 1
      end
    end
    Array.new(10) { Thread.new(&slow) }.each(&:join)
    assert_equal 1, @done
  end

  def test_without_an_id_it_is_always_done
    2.times { deliver("") }
    assert_equal 2, @done
  end

  def test_the_oldest_id_is_forgotten_first
    kept = Decider::Handled::REMEMBERED
    (kept + 1).times { |id| deliver(id.to_s) }
    deliver("1")
    assert_equal kept + 1, @done
    deliver("0")
    assert_equal kept + 2, @done
  end
end
