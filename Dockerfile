# syntax=docker/dockerfile:1

# The image of xzepr-bridge: Node and the bridge, no shell, no package manager, nobody's root.
#
#   docker build -t xzepr-bridge --build-arg VERSION=0.1.0 --build-arg REVISION="$(git rev-parse HEAD)" .
#
# `npm run rehearse` carries out these very steps without Docker, and starts what they make. Both bases are pinned by
# digest; the tag beside it says which one it was. To renew one: docker buildx imagetools inspect <image>:<tag>

# Nothing that is built here is made for a processor: one build serves every platform.
FROM --platform=$BUILDPLATFORM node:24.21.0-trixie-slim@sha256:8ec5d7557396cfe32d21c3f9c13072355ceab22b584578ca4bb28af31120cffe AS build
WORKDIR /build
COPY package.json package-lock.json .npmrc ./
RUN --mount=type=cache,target=/root/.npm npm ci
COPY tsconfig.json ./
COPY src ./src
RUN npm run build && npm prune --omit=dev
# Types and maps are for who builds against a package; the last stage has no `env` for a first line that asks it for node.
RUN find dist node_modules -type f \( -name '*.map' -o -name '*.ts' -o -name '*.mts' -o -name '*.cts' -o -name '*.tsbuildinfo' \) -delete \
  && sed -i '1s|.*|#!/nodejs/bin/node|' dist/main.js \
  && chmod 755 dist/main.js \
  && mkdir bin \
  && ln -s ../dist/main.js bin/xzepr-bridge

# Node 24, for as long as it is the active LTS. The user is 65532.
FROM gcr.io/distroless/nodejs24-debian13:nonroot@sha256:9eeb7f5887d0e239e78264b06f7f11d2e14be534050481803a9e4728fcdd278e
ARG VERSION=0.1.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="xzepr-bridge" \
  org.opencontainers.image.description="A sidecar that delivers every XZepr event from Kafka to the app beside it over HTTP." \
  org.opencontainers.image.version="${VERSION}" \
  org.opencontainers.image.revision="${REVISION}" \
  org.opencontainers.image.licenses="Apache-2.0" \
  org.opencontainers.image.base.name="gcr.io/distroless/nodejs24-debian13:nonroot"
# `node` and `xzepr-bridge` by their names, for preStop, HEALTHCHECK and whoever runs `kubectl exec`.
ENV NODE_ENV=production PATH=/app/bin:/nodejs/bin:/usr/local/bin:/usr/bin:/bin
WORKDIR /app
# Root's, so that the bridge cannot write to what it runs.
COPY --from=build /build/package.json ./package.json
COPY --from=build /build/node_modules ./node_modules
COPY --from=build /build/dist ./dist
COPY --from=build /build/bin ./bin
COPY LICENSE ./
USER 65532:65532
# The ops port. The work API is for the app beside it alone, on loopback.
EXPOSE 8901
# Docker's; Kubernetes asks /livez itself.
HEALTHCHECK --interval=10s --timeout=3s --start-period=10s --retries=3 CMD ["node", "/app/dist/main.js", "healthcheck"]
ENTRYPOINT ["node", "/app/dist/main.js"]
CMD ["run"]
