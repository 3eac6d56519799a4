# frozen_string_literal: true

# Each test shows one rule, through a client and a server on a port that the kernel gives.

require "logger"
require "minitest/autorun"
require "stringio"
require "timeout"
require "decider/server"

class DeciderTest < Minitest::Test
  V1 = Openim::Decider::V1
  DENIAL = V1::Denial.new(code: 5001, message: "this nickname is reserved", reason: "reserved nickname")

  def setup
    @log = StringIO.new
    @server = Decider::Server.new("127.0.0.1:0", Logger.new(@log))
    @server.start
    @users = stub(V1::UserService)
    @messages = stub(V1::MessageService)
  end

  def teardown
    @server.stop
  end

  def stub(service)
    service::Stub.new(@server.address, :this_channel_is_insecure)
  end

  def rename(...)
    @users.before_update_user_info(V1::BeforeUpdateUserInfoRequest.new(...))
  end

  def rename_ex(...)
    @users.before_update_user_info_ex(V1::BeforeUpdateUserInfoExRequest.new(...))
  end

  def register(*nicknames)
    users = nicknames.map { |nickname| V1::User.new(user_id: "id of#{nickname}", nickname:) }
    @users.before_user_register(V1::BeforeUserRegisterRequest.new(users:))
  end

  def modify(content, content_type: :CONTENT_TYPE_TEXT)
    @messages.before_msg_modify(V1::BeforeMsgModifyRequest.new(msg: V1::Msg.new(content_type:, content:)))
  end

  def test_a_reserved_name_is_refused
    assert_equal V1::BeforeUpdateUserInfoResponse.new(denial: DENIAL), rename(nickname: "  AdMin ")
    assert_equal V1::BeforeUpdateUserInfoExResponse.new(denial: DENIAL), rename_ex(nickname: "\u3000root")
  end

  def test_a_name_is_trimmed
    assert_equal V1::BeforeUpdateUserInfoResponse.new(nickname: "Ada L"), rename(nickname: " Ada L ")
    assert_equal V1::BeforeUpdateUserInfoExResponse.new(nickname: "A"), rename_ex(nickname: "A\n")
  end

  def test_an_unset_name_is_left_alone
    assert_equal V1::BeforeUpdateUserInfoResponse.new, rename
  end

  def test_a_long_name_is_judged_at_once
    name = "a#{" " * 1_000_000}a"
    assert_equal V1::BeforeUpdateUserInfoResponse.new, rename(nickname: name)
  end

  def test_a_registration_edits_only_who_needs_it
    edit = V1::UserEdit.new(user_id: "id of Bob ", nickname: "Bob")
    assert_equal V1::BeforeUserRegisterResponse.new(users: [edit]), register("Ada", " Bob ")
  end

  def test_one_reserved_name_refuses_all
    assert_equal V1::BeforeUserRegisterResponse.new(denial: DENIAL), register(" Bob ", "root")
  end

  def test_a_word_is_masked
    answer = modify('{"content":"a DARNed day","n":12345678901234567890}')
    assert_equal '{"content":"a ****ed day","n":12345678901234567890}', answer.content
  end

  def test_an_escape_that_makes_no_character_does_not_hide_a_word
    assert_includes modify('{"content":"\udc00darn"}').content, "****"
  end

  def test_other_text_is_left_alone
    deep = "{\"content\":\"darn\",\"deep\":#{"[" * 100_000}"
    unwritable = '{"content":"darn","other":"\udc00"}'
    contents = ['{"content":"a day"}', '{"content":["darn"]}', '["darn"]', "{content:darn}", "", deep, unwritable]
    contents.each do |content|
      refute modify(content).has_content?, content[0, 40]
    end
  end

  def test_other_content_is_left_alone
    refute modify('{"content":"darn"}', content_type: :CONTENT_TYPE_PICTURE).has_content?
  end

  def test_an_undecided_rpc_is_unimplemented
    assert_raises(GRPC::Unimplemented) { @users.after_user_register(V1::AfterUserRegisterRequest.new) }
    assert_includes @log.string, "rpc=openim.decider.v1.UserService/AfterUserRegister"
    assert_includes @log.string, "status=UNIMPLEMENTED"
  end

  def test_an_rpc_that_returns_no_answer_fails_at_once
    service = Decider::Users.new
    service.define_singleton_method(:before_update_user_info) { |_request, _call| nil }
    Decider::Answers.check(service)
    error = assert_raises(TypeError) { service.before_update_user_info(nil, nil) }
    assert_includes error.message, "BeforeUpdateUserInfo returned NilClass, not Openim::Decider::V1::BeforeUpdate"
  end

  def test_an_error_is_logged_with_its_place
    call = Struct.new(:deadline, :metadata).new(Time.at(-1), {})
    method = Decider::Users.new.method(:before_user_register)
    assert_raises(KeyError) do
      Decider::Observer.new(Logger.new(@log)).request_response(request: nil, call:, method:) { {}.fetch(:nickname) }
    end
    assert_includes @log.string, "failed rpc=openim.decider.v1.UserService/BeforeUserRegister error=KeyError at="
  end

  def test_health_says_serving
    health = stub(Grpc::Health::V1::Health)
    ["", "openim.decider.v1.MessageService", "openim.decider.v1.UserService"].each do |service|
      assert_equal :SERVING, health.check(Grpc::Health::V1::HealthCheckRequest.new(service:)).status
    end
  end

  def test_a_passed_deadline_is_not_decided
    call = Struct.new(:deadline, :metadata).new(Time.now, {})
    method = Decider::Messages.new.method(:after_send_group_msg)
    assert_raises(GRPC::DeadlineExceeded) do
      Decider::Observer.new(Logger.new(@log)).request_response(request: nil, call:, method:) { flunk "decided" }
    end
    assert_includes @log.string, "AfterSendGroupMsg operation_id=\"\" callback_id=\"\" status=DEADLINE_EXCEEDED"
  end

  def test_after_callbacks_are_counted_once_and_calls_logged
    metadata = { "openim-operation-id" => "caf%C3%A9%0A+1 100%", "callback-id" => "c1" }
    @messages.after_send_single_msg(V1::AfterSendSingleMsgRequest.new, deadline: Time.now + 60)
    2.times { @messages.after_send_group_msg(V1::AfterSendGroupMsgRequest.new, metadata:) }
    @server.stop
    assert_includes @log.string, "stopped after_callbacks=2"
    assert_includes @log.string, 'AfterSendGroupMsg operation_id="café\n+1 100%" callback_id="c1" status=OK'
  end

  def test_a_server_that_cannot_start_ends_the_program
    server = Decider::Server.new("127.0.0.1:0", Logger.new(@log))
    server.instance_variable_get(:@grpc).define_singleton_method(:run) { raise ThreadError, "can't create Thread" }
    capture_io { assert_raises(ThreadError) { Timeout.timeout(5) { server.start } } }
  end

  def test_a_bad_address_is_an_error
    ["127.0.0.1", "127.0.0.1:65536", ":"].each do |listen|
      assert_raises(ArgumentError) { Decider::Server.new(listen, Logger.new(@log)) }
    end
  end
end
