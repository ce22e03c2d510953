"""Which stores can be sources, and what to install for them."""

from typing import Any, Final

from orchestration_assets.schemas.errors import SourceError
from orchestration_assets.schemas.source_urls import scheme_of, shown

# not the packages that fsspec itself needs, but what a person installs
_PACKAGES: Final = {
    "s3": "content-orchestration[s3]",
    "s3a": "content-orchestration[s3]",
    "gs": "gcsfs",
    "gcs": "gcsfs",
    "abfs": "adlfs",
    "abfss": "adlfs",
    "az": "adlfs",
    "sftp": "paramiko",
    "ssh": "paramiko",
    "smb": "smbprotocol",
    "webdav": "webdav4[fsspec]",
    "webhdfs": "requests",
    "oss": "ossfs",
    "oci": "ocifs",
    "hf": "huggingface_hub",
    "dropbox": "dropboxdrivefs",
    "gdrive": "gdrive-fsspec",
    "box": "boxfs",
    "root": "fsspec-xrootd",
    "lakefs": "lakefs-spec",
    "tos": "tosfs",
}
_NEEDS: Final = {
    "hdfs": "it needs Java and Hadoop's native library (JAVA_HOME, HADOOP_HOME, CLASSPATH)",
    "arrow_hdfs": "it needs Java and Hadoop's native library (JAVA_HOME, HADOOP_HOME, CLASSPATH)",
}
# They read files of this machine or of another store past the rules for links, or hold no content
# of their own.
_NO_STORES: Final = {
    **dict.fromkeys(
        ("simplecache", "filecache", "blockcache", "cached"),
        "a cache is no store; give the URL of what it caches",
    ),
    **dict.fromkeys(
        ("zip", "tar", "libarchive"), "an archive is no store; unpack it and give the folder"
    ),
    **dict.fromkeys(
        ("dir", "generic", "reference", "async_wrapper", "asyncwrapper", "asynclocal"),
        "it only stands before another store; give that one's URL",
    ),
    **dict.fromkeys(
        ("git", "github", "gist", "dvc"), "check it out and give the folder of the files"
    ),
    "data": "write the content into a file and give that",
    "dask": "give the folder or store itself",
    "pyscript": "give a folder or store",
}


def store_class(url: str) -> Any:
    """The fsspec class for a URL. Raises SourceError when there is none that may be a source."""
    from fsspec.implementations.local import LocalFileSystem
    from fsspec.registry import get_filesystem_class

    scheme = scheme_of(url) or ""
    if scheme in _NO_STORES:
        raise SourceError(
            f"cannot read {shown(url)}: {scheme}:// is no source; {_NO_STORES[scheme]}"
        )
    try:
        filesystem = get_filesystem_class(scheme)
    except ImportError as error:
        raise SourceError(f"cannot read {shown(url)}: {_to_install(scheme, error)}") from error
    except ValueError as error:
        raise SourceError(
            f"cannot read {shown(url)}: no store is known as {scheme}://; give a folder or an "
            "fsspec URL such as s3://bucket/folder"
        ) from error
    if issubclass(filesystem, LocalFileSystem):
        raise SourceError(f"cannot read {shown(url)}: give the plain path of the folder")
    return filesystem


def connection_help(url: str) -> str:
    """What to do when a store cannot be connected to."""
    return _NEEDS.get(
        scheme_of(url) or "",
        "check the URL, that the host is reachable, and credentials in the environment",
    )


def _to_install(scheme: str, error: ImportError) -> str:
    if scheme in _PACKAGES:
        return f"{scheme}:// needs a package: pip install '{_PACKAGES[scheme]}'"
    message = " ".join(str(error).split())[:200]
    return f"{scheme}:// needs a package that is not installed: {message}; install that"
