# wds as an image: `docker build -t wds .`, then `docker run wds --help`. Used by docker-compose.yml and deploy/kubernetes.
# Debian and not Alpine: the native part of Temporal's SDK is built for glibc.
FROM node:22.22.2-bookworm-slim AS build
WORKDIR /wds
COPY package.json package-lock.json .npmrc ./
RUN npm ci --ignore-scripts --no-audit --no-fund
COPY . .
RUN node scripts/setup.mjs --build \
 && npm prune --omit=dev --ignore-scripts \
 && find node_modules/@temporalio/core-bridge/releases -mindepth 1 -maxdepth 1 \
      ! -name "$(uname -m)-unknown-linux-gnu" -exec rm -r {} + \
 && rm -rf dist/bench dist/chaos dist/simulation node_modules/@temporalio/core-bridge/sdk-core \
 && find dist node_modules \( -name '*.map' -o -name '*.d.ts' -o -name '*.d.mts' -o -name '*.d.cts' \) -delete

# Without sources and tsconfig.json, bin/wds.mjs goes straight to the compiled command.
FROM node:22.22.2-bookworm-slim
ENV NODE_ENV=production WDS_HOME=/data/home WDS_INBOX=/data/inbox
COPY --from=build /wds/package.json /wds/wds.config.example.yaml /wds/
COPY --from=build /wds/bin /wds/bin
COPY --from=build /wds/scripts/checkout.mjs /wds/scripts/
COPY --from=build /wds/examples /wds/examples
COPY --from=build /wds/node_modules /wds/node_modules
COPY --from=build /wds/dist /wds/dist
COPY --chmod=755 deploy/container/as-owner deploy/container/wds deploy/container/first-steps deploy/container/healthy /usr/local/bin/
RUN mkdir /data && chown 1000:1000 /data
# A wds.config.yaml in the mounted folder is found.
WORKDIR /data
VOLUME /data
# By number: Kubernetes sees that it is not root. Started as root, as-owner takes on the owner of /data.
USER 1000:1000
ENTRYPOINT ["wds"]
CMD ["--help"]
