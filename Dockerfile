# A tag moves. To build from exactly one base image, name its digest:
#   docker build --build-arg PYTHON_IMAGE=python:3.13-slim@sha256:… .
ARG PYTHON_IMAGE=python:3.13-slim

FROM ${PYTHON_IMAGE} AS build
WORKDIR /source
COPY requirements.lock requirements-build.lock ./
RUN python -m venv --without-pip /opt/whichroot
RUN python -m pip --python /opt/whichroot/bin/python install --no-cache-dir --disable-pip-version-check \
    --require-hashes --only-binary :all: --requirement requirements.lock
RUN python -m venv --without-pip /opt/build
RUN python -m pip --python /opt/build/bin/python install --no-cache-dir --disable-pip-version-check \
    --require-hashes --only-binary :all: --requirement requirements-build.lock
COPY pyproject.toml README.md LICENSE manifest.yml ./
COPY bot bot
COPY handlers handlers
COPY workspace workspace
RUN PATH=/opt/build/bin:$PATH /opt/build/bin/hatchling build --target wheel
RUN python -m pip --python /opt/whichroot/bin/python install --no-cache-dir --disable-pip-version-check \
    --no-deps --no-index dist/whichroot-*.whl

FROM ${PYTHON_IMAGE}
# Nothing here can install or build anything.
RUN python -m pip uninstall --yes --quiet --root-user-action ignore pip \
    && rm -rf /usr/local/lib/python3.*/ensurepip \
    && mkdir /data && chown 10001:10001 /data
COPY --from=build /opt/whichroot /opt/whichroot
ENV PATH=/opt/whichroot/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    DATABASE_URL=sqlite:////data/whichroot.db \
    WHICHROOT_CACHE_DIR=/data/cache \
    WHICHROOT_LISTEN_HOST=0.0.0.0 \
    WHICHROOT_LISTEN_PORT=8080
# The only place that is written to; the rest of the file system may be read-only.
VOLUME /data
WORKDIR /data
USER 10001:10001
EXPOSE 8080
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=5s --start-period=30s \
    CMD ["python", "-c", "import os, urllib.request as u; u.urlopen('http://127.0.0.1:' + os.environ['WHICHROOT_LISTEN_PORT'] + '/healthz', timeout=4)"]
ENTRYPOINT ["whichroot"]
CMD ["serve"]
