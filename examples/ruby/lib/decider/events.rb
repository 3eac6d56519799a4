# frozen_string_literal: true

# The rpcs that need no decision: sending is allowed, and what was sent is counted once.

require "decider/handled"
require "openim/decider/v1/message_service_services_pb"

module Decider
  class Events < Openim::Decider::V1::MessageService::Service
    def initialize
      super
      @handled = Handled.new
      @sent = 0
      @lock = Mutex.new
    end

    def sent
      @lock.synchronize { @sent }
    end

    def before_send_single_msg(_request, _call)
      Openim::Decider::V1::BeforeSendSingleMsgResponse.new
    end

    def before_send_group_msg(_request, _call)
      Openim::Decider::V1::BeforeSendGroupMsgResponse.new
    end

    def after_send_single_msg(_request, call)
      count(call)
      Openim::Decider::V1::AfterSendSingleMsgResponse.new
    end

    def after_send_group_msg(_request, call)
      count(call)
      Openim::Decider::V1::AfterSendGroupMsgResponse.new
    end

    private

    def count(call)
      @handled.once(call.metadata["callback-id"].to_s) do
        @lock.synchronize { @sent += 1 }
      end
    end
  end
end
