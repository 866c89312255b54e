# One image for the API, the worker and the migration. There is no build step: Node runs the TypeScript as it is.
FROM node:24-bookworm-slim
WORKDIR /srv/hpms
COPY package.json package-lock.json ./
RUN npm ci --omit=dev && npm cache clean --force
COPY fhir-profiles ./fhir-profiles
COPY migrations ./migrations
COPY seeds ./seeds
COPY src ./src
# The compact FHIR definitions, which npm could not derive above, before src was there.
RUN npm run postinstall && mkdir -m 700 /data /keys && chown node:node /data /keys
USER node
ENV NODE_ENV=production HPMS_DATA_DIR=/data
VOLUME /data /keys
EXPOSE 8080
CMD ["node", "--max-semi-space-size=16", "--heap-growing-percent=70", "--no-allocation-site-pretenuring", "--no-memory-reducer", "src/main.ts"]
