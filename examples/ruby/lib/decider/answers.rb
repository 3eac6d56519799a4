# frozen_string_literal: true

# Checks what the rpcs return, such as nil from a guard clause: the library would leave the caller without an answer.

require "grpc"

module Decider
  module Answers
    # From here on an rpc of this service that returns anything but its response raises an error.
    def self.check(service)
      descriptions = service.class.rpc_descs
      service.singleton_class.prepend(Module.new do
        descriptions.each do |name, description|
          define_method(GRPC::GenericService.underscore(name.to_s)) do |request, call|
            answer = super(request, call)
            next answer if answer.is_a?(description.output)

            raise TypeError, "#{name} returned #{answer.class}, not #{description.output}"
          end
        end
      end)
    end
  end
end
