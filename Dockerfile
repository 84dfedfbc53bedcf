# The local host in a container; compose.yaml starts it. Answers on port 7071, keeps everything in /data.
FROM python:3.13-slim-bookworm AS packages
WORKDIR /build
COPY requirements-serve.txt .
RUN python -m venv /opt/packages \
    && /opt/packages/bin/python -m pip install --no-cache-dir --disable-pip-version-check -r requirements-serve.txt

FROM python:3.13-slim-bookworm
# The numbers are fixed: whoever binds a folder of their own to /data gives it to 10001.
RUN groupadd --gid 10001 batch \
    && useradd --uid 10001 --gid batch --no-create-home --home-dir /data --shell /usr/sbin/nologin batch \
    && install --directory --owner batch --group batch --mode 0700 /data
COPY --from=packages /opt/packages /opt/packages
WORKDIR /app
COPY . .
ENV PATH="/opt/packages/bin:$PATH" PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1
USER 10001:10001
VOLUME /data
EXPOSE 7071
HEALTHCHECK --interval=30s --timeout=10s --start-period=60s \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:7071/healthz', timeout=8)"]
ENTRYPOINT ["python", "-m", "local_host", "--host", "0.0.0.0", "--port", "7071", "--data", "/data"]
