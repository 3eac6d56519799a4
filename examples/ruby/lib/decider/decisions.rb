# frozen_string_literal: true

# The decisions: which nicknames are refused or trimmed, and which word is masked.

require "json"
require "decider/events"
require "openim/decider/v1/user_service_services_pb"

module Decider
  V1 = Openim::Decider::V1
  RESERVED = %w[admin root support].freeze
  DENIAL = V1::Denial.new(code: 5001, message: "this nickname is reserved", reason: "reserved nickname").freeze
  FORBIDDEN = /darn/i

  # The fields of the answer: a denial of a reserved nickname, or an edit of one with white space around it. An unset
  # one is empty, and so left alone.
  def self.judge(nickname)
    trimmed = nickname[/[[:^space:]](?:.*[[:^space:]])?/m] || ""
    return { denial: DENIAL } if RESERVED.include?(trimmed.downcase)

    trimmed == nickname ? {} : { nickname: trimmed }
  end

  class Users < V1::UserService::Service
    def before_update_user_info(request, _call)
      V1::BeforeUpdateUserInfoResponse.new(Decider.judge(request.nickname))
    end

    def before_update_user_info_ex(request, _call)
      V1::BeforeUpdateUserInfoExResponse.new(Decider.judge(request.nickname))
    end

    def before_user_register(request, _call)
      users = request.users.map { |user| { user_id: user.user_id, **Decider.judge(user.nickname) } }
      return V1::BeforeUserRegisterResponse.new(denial: DENIAL) if users.any? { |user| user.key?(:denial) }

      edits = users.select { |user| user.key?(:nickname) }
      V1::BeforeUserRegisterResponse.new(users: edits.map { |edit| V1::UserEdit.new(edit) })
    end
  end

  class Messages < Events
    def before_msg_modify(request, _call)
      content = masked(request.msg.content) if request.msg&.content_type == :CONTENT_TYPE_TEXT
      V1::BeforeMsgModifyResponse.new(content:)
    end

    private

    def masked(json)
      content = JSON.parse(json)
      return unless content.is_a?(Hash) && content["content"].is_a?(String)

      text = content["content"].scrub # an escape such as \udc00 is no character
      JSON.generate(content.merge("content" => text.gsub(FORBIDDEN, "****"))) if text.match?(FORBIDDEN)
    rescue JSON::JSONError
      nil # what is no JSON, or can't be written as JSON again, is left alone
    end
  end
end
