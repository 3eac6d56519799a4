# The images of both programs: static binaries and nothing that could run beside them. Needs BuildKit.
#
#   docker build --target gateway -t callback-gateway .
#   docker build --target decider -t callback-decider .
#
# deploy/images builds the same ones from binaries that it makes outside, and then no image is pulled.
ARG BINARIES=compiled

# The version is that of rust-toolchain.toml, which stays outside: it also asks for what only developers need.
FROM rust:1.95.0-bookworm AS compiled
WORKDIR /src
COPY Cargo.toml Cargo.lock ./
COPY .cargo .cargo
COPY tests/Cargo.toml tests/
COPY deploy/static-binaries deploy/
COPY proto proto
COPY examples examples
COPY crates crates
COPY decider decider
COPY gateway gateway
# Dependencies stay compiled in the cache. Cargo goes by time stamps, and the cache may be newer than these sources.
RUN --mount=type=cache,target=/usr/local/cargo/registry --mount=type=cache,target=/src/target \
    find proto crates decider gateway -exec touch {} + && deploy/static-binaries /out

FROM scratch AS prebuilt
COPY target/static /out
COPY target/static/ca-certificates.crt /etc/ssl/certs/

FROM ${BINARIES} AS binaries

FROM scratch AS runtime
ARG VERSION
ARG REVISION
ARG SOURCE
LABEL org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.source="${SOURCE}"
USER 65532:65532

FROM runtime AS gateway
LABEL org.opencontainers.image.title="callback-gateway" \
      org.opencontainers.image.description="Receives OpenIM's callbacks over HTTP and asks a decider over gRPC"
# For deciders whose certificate a public authority signed.
COPY --from=binaries /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/
COPY --from=binaries /out/callback-gateway /
# A volume that is mounted here belongs to the gateway's user. Without one nothing is kept: see compose.yaml.
COPY --from=binaries --chown=65532:65532 /out/events /var/lib/callback-gateway
ENV CALLBACK_GATEWAY_LISTEN=0.0.0.0:10006 CALLBACK_GATEWAY_ADMIN=0.0.0.0:9464
EXPOSE 10006 9464
HEALTHCHECK --interval=5s --timeout=3s CMD ["/callback-gateway", "healthcheck"]
ENTRYPOINT ["/callback-gateway"]

# Last, so that it is also what is built without a target: compose.yaml relies on that.
FROM runtime AS decider
LABEL org.opencontainers.image.title="callback-decider" \
      org.opencontainers.image.description="Decides OpenIM's callbacks by rules in a file"
COPY --from=binaries /out/callback-decider /
COPY policy.yaml /etc/callback-decider/
ENV CALLBACK_DECIDER_LISTEN=0.0.0.0:50051 CALLBACK_DECIDER_POLICY=/etc/callback-decider/policy.yaml
EXPOSE 50051
HEALTHCHECK --interval=5s --timeout=3s CMD ["/callback-decider", "healthcheck"]
ENTRYPOINT ["/callback-decider"]
