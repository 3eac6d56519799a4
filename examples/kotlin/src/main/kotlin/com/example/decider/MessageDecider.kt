// The rpcs about messages: the rules decide one, sending is allowed, what was sent is counted once.

package com.example.decider

import openim.decider.v1.AfterSendGroupMsgRequest
import openim.decider.v1.AfterSendSingleMsgRequest
import openim.decider.v1.BeforeMsgModifyRequest
import openim.decider.v1.BeforeSendGroupMsgRequest
import openim.decider.v1.BeforeSendSingleMsgRequest
import openim.decider.v1.MessageServiceGrpcKt.MessageServiceCoroutineImplBase
import openim.decider.v1.afterSendGroupMsgResponse
import openim.decider.v1.afterSendSingleMsgResponse
import openim.decider.v1.beforeMsgModifyResponse
import openim.decider.v1.beforeSendGroupMsgResponse
import openim.decider.v1.beforeSendSingleMsgResponse
import java.util.concurrent.atomic.LongAdder

/** What it does not override answers UNIMPLEMENTED. */
class MessageDecider : MessageServiceCoroutineImplBase() {
    private val handled = Handled()
    private val counter = LongAdder()

    val sent: Long
        get() = counter.sum()

    override suspend fun beforeMsgModify(request: BeforeMsgModifyRequest) = beforeMsgModifyResponse {
        masked(request.msg)?.let { content = it }
    }

    override suspend fun beforeSendSingleMsg(request: BeforeSendSingleMsgRequest) = beforeSendSingleMsgResponse {}

    override suspend fun beforeSendGroupMsg(request: BeforeSendGroupMsgRequest) = beforeSendGroupMsgResponse {}

    override suspend fun afterSendSingleMsg(request: AfterSendSingleMsgRequest) = afterSendSingleMsgResponse {
        count()
    }

    override suspend fun afterSendGroupMsg(request: AfterSendGroupMsgRequest) = afterSendGroupMsgResponse {
        count()
    }

    private suspend fun count() = handled.once(CallbackId.current) { counter.increment() }
}
