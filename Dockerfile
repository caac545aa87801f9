FROM python:3.12-slim-bookworm

WORKDIR /opt/pbx-x
COPY pyproject.toml README.md ./
COPY asterisk-config asterisk-config
COPY sql sql
COPY stasis_app stasis_app
RUN pip install --no-cache-dir . \
    && useradd --system --home-dir /var/spool/pbx --create-home pbx

USER pbx
VOLUME /var/spool/pbx
CMD ["pbx", "run"]
