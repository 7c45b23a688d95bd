# wds as an image: `docker build -t wds .`, then `docker run wds watch|worker|up|…`. Used by docker-compose.yml.
# Checked for syntax only: no Docker engine was at hand where this was written.
FROM node:22-bookworm-slim AS build
WORKDIR /wds
COPY . .
RUN node scripts/setup.mjs --build && npm prune --omit=dev --ignore-scripts

# Without sources and tsconfig.json, bin/wds.mjs goes straight to the compiled command. glibc: the SDK's native part is not built for musl.
FROM node:22-bookworm-slim
WORKDIR /wds
ENV NODE_ENV=production WDS_HOME=/data/home WDS_INBOX=/data/inbox
COPY --from=build /wds/package.json /wds/wds.config.example.yaml ./
COPY --from=build /wds/bin ./bin
COPY --from=build /wds/scripts ./scripts
COPY --from=build /wds/examples ./examples
COPY --from=build /wds/node_modules ./node_modules
COPY --from=build /wds/dist ./dist
RUN mkdir -p /data/home /data/inbox && chown -R node:node /data
USER node
VOLUME /data
ENTRYPOINT ["node", "/wds/bin/wds.mjs"]
CMD ["--help"]
