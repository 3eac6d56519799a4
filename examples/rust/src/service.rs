//! The rpcs that are decided here, by the rules. All others answer UNIMPLEMENTED, as they are generated.
//! No decision here waits for anything; one that does is dropped when its call is cancelled.

use crate::handled::Handled;
use crate::proto::message_service_server::MessageService;
use crate::proto::user_service_server::UserService;
use crate::proto::*;
use crate::rules;
use std::sync::atomic::{AtomicU64, Ordering};
use tonic::metadata::MetadataMap;
use tonic::{Request, Response, Status};

#[derive(Debug, Default)]
pub(crate) struct Decider {
    handled: Handled,
    after_callbacks: AtomicU64,
}

impl Decider {
    /// How many after-callbacks were told.
    pub(crate) fn after_callbacks(&self) -> u64 {
        self.after_callbacks.load(Ordering::Relaxed)
    }

    /// Counts an after-callback once, however often it is delivered.
    async fn count(&self, metadata: &MetadataMap) -> Result<(), Status> {
        let id = metadata.get("callback-id").and_then(|id| id.to_str().ok()).unwrap_or_default();
        let work = async {
            self.after_callbacks.fetch_add(1, Ordering::Relaxed);
            Ok(())
        };
        self.handled.once(id, work).await
    }
}

/// A denial or edits, as responses carry them.
fn answer<T: Default>(decision: Result<T, Denial>) -> (Option<Denial>, T) {
    decision.map_or_else(|denial| (Some(denial), T::default()), |edits| (None, edits))
}

#[tonic::async_trait]
impl UserService for Decider {
    async fn before_user_register(
        &self,
        request: Request<BeforeUserRegisterRequest>,
    ) -> Result<Response<BeforeUserRegisterResponse>, Status> {
        let (denial, users) = answer(rules::registration(&request.get_ref().users));
        Ok(Response::new(BeforeUserRegisterResponse { denial, users }))
    }

    async fn before_update_user_info(
        &self,
        request: Request<BeforeUpdateUserInfoRequest>,
    ) -> Result<Response<BeforeUpdateUserInfoResponse>, Status> {
        let (denial, nickname) = answer(rules::nickname(request.get_ref().nickname()));
        Ok(Response::new(BeforeUpdateUserInfoResponse { denial, nickname, ..Default::default() }))
    }

    async fn before_update_user_info_ex(
        &self,
        request: Request<BeforeUpdateUserInfoExRequest>,
    ) -> Result<Response<BeforeUpdateUserInfoExResponse>, Status> {
        let (denial, nickname) = answer(rules::nickname(request.get_ref().nickname()));
        Ok(Response::new(BeforeUpdateUserInfoExResponse { denial, nickname, ..Default::default() }))
    }
}

#[tonic::async_trait]
impl MessageService for Decider {
    async fn before_msg_modify(
        &self,
        request: Request<BeforeMsgModifyRequest>,
    ) -> Result<Response<BeforeMsgModifyResponse>, Status> {
        let msg = request.into_inner().msg;
        let text = msg.filter(|msg| msg.content_type() == ContentType::Text);
        let content = text.and_then(|msg| rules::text(&msg.content));
        Ok(Response::new(BeforeMsgModifyResponse { content, ..Default::default() }))
    }

    async fn before_send_single_msg(
        &self,
        _: Request<BeforeSendSingleMsgRequest>,
    ) -> Result<Response<BeforeSendSingleMsgResponse>, Status> {
        Ok(Response::new(Default::default()))
    }

    async fn before_send_group_msg(
        &self,
        _: Request<BeforeSendGroupMsgRequest>,
    ) -> Result<Response<BeforeSendGroupMsgResponse>, Status> {
        Ok(Response::new(Default::default()))
    }

    async fn after_send_single_msg(
        &self,
        request: Request<AfterSendSingleMsgRequest>,
    ) -> Result<Response<AfterSendSingleMsgResponse>, Status> {
        self.count(request.metadata()).await?;
        Ok(Response::new(Default::default()))
    }

    async fn after_send_group_msg(
        &self,
        request: Request<AfterSendGroupMsgRequest>,
    ) -> Result<Response<AfterSendGroupMsgResponse>, Status> {
        self.count(request.metadata()).await?;
        Ok(Response::new(Default::default()))
    }
}
