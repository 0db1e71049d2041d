"""What surrounds the server: setting it up, running it, showing it. Nothing here is loaded by Orthanc."""
