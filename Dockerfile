# The image of the daemon, and of nothing else: no emulator, no tests, no benchmarks, no pip, and no need of a shell.
#
#   docker build --tag fleet-gatekeeper:0.1.0 .
#   docker run --read-only --tmpfs /tmp --volume "$PWD/config:/etc/gatekeeper:ro" --volume gatekeeper:/var/lib/gatekeeper \
#     --publish 127.0.0.1:8080:8080 fleet-gatekeeper:0.1.0
#
# Pin the base image by digest in your own builds, for both stages at once:
#   docker build --build-arg PYTHON_IMAGE=python:3.13-slim@sha256:... .
#
# Why slim and not distroless: a virtual environment works only with the very Python that it was made for. With one image
# for both stages that holds by construction; a distroless Python is another build, with another minor version each time
# its Debian changes. Nothing here starts a shell all the same: ENTRYPOINT is in exec form, and the root file system may be
# read-only.
ARG PYTHON_IMAGE=python:3.13-slim

FROM ${PYTHON_IMAGE} AS build
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore
WORKDIR /src

# pip works on the virtual environment from outside, so neither it nor setuptools is ever in there.
RUN python -m venv --without-pip /opt/gatekeeper

# The dependencies change seldom, so they are a layer of their own. Wheels only: nobody's setup.py runs here.
COPY pyproject.toml ./
RUN python -c "import tomllib; print(*tomllib.load(open('pyproject.toml', 'rb'))['project']['dependencies'], sep='\n')" \
      > requirements.txt \
 && python -m pip --python /opt/gatekeeper install --only-binary :all: --no-compile --requirement requirements.txt

# Byte code is made here because nothing can be written later. It is bound to the source by its hash, unchecked: the time
# stamps of image layers are not reliable, and the files never change.
COPY LICENSE README.md ./
COPY checks/ checks/
COPY gatekeeper/ gatekeeper/
RUN rm -rf gatekeeper/emulator gatekeeper/testing \
 && python -m pip wheel --no-deps --wheel-dir dist . \
 && python -m pip --python /opt/gatekeeper install --no-deps --no-compile dist/*.whl \
 && python -m pip --python /opt/gatekeeper check \
 && python -m compileall -q -j 0 --invalidation-mode unchecked-hash /opt/gatekeeper/lib


FROM ${PYTHON_IMAGE}
LABEL org.opencontainers.image.title="fleet-gatekeeper" \
      org.opencontainers.image.description="Opens the approval gates of Azure Kubernetes Fleet Manager update runs, and only when the clusters are proven healthy." \
      org.opencontainers.image.licenses="MIT"
ENV PATH=/opt/gatekeeper/bin:$PATH PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1

# The base image's pip goes: what runs here installs nothing. The store's folder is all that the daemon writes to.
RUN python -m pip uninstall --quiet --yes --root-user-action ignore pip \
 && install -d -m 0700 -o 65532 -g 65532 /var/lib/gatekeeper
COPY --from=build /opt/gatekeeper /opt/gatekeeper

# Declared, so that it can be written to under `docker run --read-only` too. Give it a name to keep the approval records.
VOLUME ["/var/lib/gatekeeper"]
# A number and not a name: Kubernetes can prove runAsNonRoot only of numbers.
USER 65532:65532
# /metrics, /healthz and /readyz. There is no HEALTHCHECK: Kubernetes ignores it and has probes of its own.
EXPOSE 8080
ENTRYPOINT ["/opt/gatekeeper/bin/gatekeeper"]
CMD ["run", "-c", "/etc/gatekeeper/gatekeeper.yaml"]
