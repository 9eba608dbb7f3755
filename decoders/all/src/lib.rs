//! The registry of all formats: the only crate that names them.
#![forbid(unsafe_code)]

use binq_core::Registry;

/// All formats. Of two that are equally sure of an input, the first one here is taken.
pub fn registry() -> Registry {
    Registry::new(vec![
        &binq_postgres::wal::PgWal,
        &binq_postgres::control::PG_CONTROL,
        &binq_protobuf::Protobuf,
        &binq_protobuf::Delimited,
        &binq_protobuf::Grpc,
        &binq_protobuf::Confluent,
        &binq_http::Http2,
        &binq_http::Http1,
        &binq_grpc::Grpc,
        &binq_capture::Pcap,
        &binq_capture::PcapNg,
        &binq_png::PNG,
        &binq_zip::Zip,
    ])
}
