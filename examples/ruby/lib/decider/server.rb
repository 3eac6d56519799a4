# frozen_string_literal: true

# The server around the decisions: health, a log line a call, and a graceful stop.

require "grpc"
require "grpc/health/checker"
require "decider/answers"
require "decider/decisions"
require "decider/observer"

module Decider
  class Server
    GRACE = 8 # seconds that calls in flight may take once the server stops; after one more their threads end
    # A call without a thread is refused at once, and a thread costs little: the process has about 270 of them.
    THREADS = 256

    attr_reader :address

    # Takes the address, host:port; calls are answered from {#start} on.
    def initialize(listen, logger)
      host, port = listen.match(/\A(.+):(\d{1,5})\z/)&.captures
      # gRPC would take 443 for a missing port, and a random one for one out of range.
      raise ArgumentError, "LISTEN: #{listen.inspect} is no host:port" if host.nil? || port.to_i > 65_535

      @logger = logger
      @health = Grpc::Health::Checker.new
      @messages = Messages.new
      # A service that is not in this list is unimplemented.
      services = [Users.new, @messages]
      @names = ["", *services.map { |service| service.class.service_name }]
      # Without so_reuseport off, a port that another server has taken would be shared with it.
      @grpc = GRPC::RpcServer.new(pool_size: THREADS, poll_period: GRACE, interceptors: [Observer.new(logger)],
                                  server_args: { "grpc.so_reuseport" => 0 })
      [*services.each { |service| Answers.check(service) }, @health].each { |service| @grpc.handle(service) }
      @address = "#{host}:#{@grpc.add_http2_port(listen, :this_port_is_insecure)}"
    end

    def start
      @health.set_status_for_services(:SERVING, *@names)
      @thread = Thread.new { @grpc.run }
      # Without it a server that is not allowed enough threads would keep its port and answer nothing.
      @thread.abort_on_exception = true
      @grpc.wait_till_running
      @logger.info("listening address=#{address}")
    end

    # How many messages were sent, as the after-callbacks told.
    def sent
      @messages.sent
    end

    # Takes no new calls, and finishes those in flight.
    def stop
      @health.set_status_for_services(:NOT_SERVING, *@names)
      @grpc.stop
      @thread.join
      @logger.info("stopped after_callbacks=#{sent}")
    end
  end
end
