# frozen_string_literal: true

# Logs each call, and does not decide calls whose deadline has passed.

require "json"
require "grpc"

module Decider
  class Observer < GRPC::ServerInterceptor
    Codes = GRPC::Core::StatusCodes
    STATUS_NAMES = Codes.constants.to_h { |name| [Codes.const_get(name), name] }.freeze

    # The text with its percent-encoding undone; what is none stays.
    def self.decoded(text)
      text.b.gsub(/%\h\h/) { |code| code[1..].hex.chr }.force_encoding(Encoding::UTF_8).scrub
    end

    def initialize(logger)
      super()
      @logger = logger
    end

    def request_response(call:, method:, **)
      start = now
      status = :UNKNOWN
      # The library does hand over calls whose deadline has passed.
      raise GRPC::DeadlineExceeded if passed?(call.deadline)

      yield.tap { status = :OK }
    rescue GRPC::BadStatus => e
      status = STATUS_NAMES.fetch(e.code, e.code)
      raise
    rescue StandardError => e
      # Without its message, which may hold what a user wrote.
      @logger.error("failed rpc=#{rpc(method)} error=#{e.class} at=#{e.backtrace&.first}")
      raise
    ensure
      log(call, method, status, now - start)
    end

    private

    # A call without a deadline has one before 1970.
    def passed?(deadline)
      deadline.to_i.positive? && deadline <= Time.now
    end

    def log(call, method, status, seconds)
      ms = (seconds * 1000).round(3)
      @logger.info("call rpc=#{rpc(method)} #{ids(call.metadata)} status=#{status} ms=#{ms}")
    end

    # As JSON: whoever wrote the text can't start a line of the log with it.
    def ids(metadata)
      operation_id = Observer.decoded(metadata["openim-operation-id"].to_s)
      "operation_id=#{JSON.generate(operation_id)} callback_id=#{JSON.generate(metadata["callback-id"].to_s)}"
    end

    def rpc(method)
      service = method.receiver.class
      name = service.rpc_descs.keys.find { |key| GRPC::GenericService.underscore(key.to_s) == method.name.to_s }
      "#{service.service_name}/#{name}"
    end

    def now
      Process.clock_gettime(Process::CLOCK_MONOTONIC)
    end
  end
end
