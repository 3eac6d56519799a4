// The rpcs about users, decided by the rules.

package com.example.decider

import openim.decider.v1.BeforeUpdateUserInfoExRequest
import openim.decider.v1.BeforeUpdateUserInfoRequest
import openim.decider.v1.BeforeUserRegisterRequest
import openim.decider.v1.UserServiceGrpcKt.UserServiceCoroutineImplBase
import openim.decider.v1.beforeUpdateUserInfoExResponse
import openim.decider.v1.beforeUpdateUserInfoResponse
import openim.decider.v1.beforeUserRegisterResponse
import openim.decider.v1.userEdit

/** What it does not override answers UNIMPLEMENTED. */
class UserDecider : UserServiceCoroutineImplBase() {
    override suspend fun beforeUpdateUserInfo(request: BeforeUpdateUserInfoRequest) = beforeUpdateUserInfoResponse {
        judge(request.nickname, { denial = it }, { nickname = it })
    }

    override suspend fun beforeUpdateUserInfoEx(request: BeforeUpdateUserInfoExRequest) =
        beforeUpdateUserInfoExResponse { judge(request.nickname, { denial = it }, { nickname = it }) }

    override suspend fun beforeUserRegister(request: BeforeUserRegisterRequest) = beforeUserRegisterResponse {
        for (user in request.usersList) {
            judge(user.nickname, { denial = it }, { users += rename(user.userId, it) })
        }
        if (hasDenial()) users.clear()
    }

    private fun rename(id: String, name: String) = userEdit {
        userId = id
        nickname = name
    }
}
