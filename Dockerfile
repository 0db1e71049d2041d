# The server as a container image. Orthanc's own image brings the server and its plugins; everything else comes from the
# same script that makes the box. The image by itself serves its own container only (RemoteAccessAllowed is false);
# docker-compose.yml opens it to the network, for registered users.

# 1.13.0 is the first release of this image on Debian trixie with Python 3.13.
ARG BASE=docker.io/jodogne/orthanc-python:1.13.0
FROM ${BASE}

# What provisioning reads, and nothing else: a change in the plugin leaves this layer alone.
COPY requirements/ /opt/orthanc-ai/requirements/
COPY tools/provision.sh tools/ohif.py tools/ohif-config.js tools/charts.py /opt/orthanc-ai/tools/
RUN PIP_NO_CACHE_DIR=1 /opt/orthanc-ai/tools/provision.sh && rm -rf /var/lib/apt/lists/*

COPY plugin/ /opt/orthanc-ai/plugin/
COPY models/ /opt/orthanc-ai/models/
COPY phantom/ /opt/orthanc-ai/phantom/
COPY tools/ /opt/orthanc-ai/tools/
COPY orthanc.json LICENSE /opt/orthanc-ai/

# The second configuration is for servers that others can reach: Orthanc joins it with site.json of the same folder, which a
# deployment must provide: users, modalities, and the whole section AI. Orthanc refuses a section that stands in both.
RUN cp /opt/orthanc-ai/orthanc.json /etc/orthanc/orthanc.json && mkdir /etc/orthanc-remote && \
    python3 /opt/orthanc-ai/tools/configure.py /opt/orthanc-ai/orthanc.json \
      RemoteAccessAllowed=true AuthenticationEnabled=true DicomModalities= AI= > /etc/orthanc-remote/orthanc.json

# ENTRYPOINT ["Orthanc"], CMD ["/etc/orthanc/"], the ports and the volume /var/lib/orthanc/db are the base image's.
