# frozen_string_literal: true

# The after-callbacks that were handled. Each is delivered at least once, always with the same callback-id.

module Decider
  # Stands in for a database: a real decider stores the id with the effect, under a unique key and in the same
  # transaction. This memory ends with the process, and several processes don't share it.
  class Handled
    REMEMBERED = 10_000 # callback ids that are kept; the oldest go first

    def initialize
      @ids = {}
      @lock = Mutex.new
    end

    # Does the block, unless it was done for this id before. After an error the next delivery does it again. A call that
    # was made by hand may have no id; its block is always done.
    def once(id)
      # Held during the block: two deliveries at the same time do it once. With a database no other id would wait.
      @lock.synchronize do
        next if @ids.key?(id)

        yield
        @ids[id] = true unless id.empty?
        @ids.shift if @ids.size > REMEMBERED
      end
    end
  end
end
