//! The laws over the samples of ZIP.

binq_laws::check!(
    binq_zip::Zip,
    "../../samples/zip",
    shaping: &[
        "signature",
        "encrypted",
        "data_descriptor",
        "compression_method",
        "compressed_size",
        "uncompressed_size",
        "file_name_length",
        "extra_field_length",
        "file_comment_length",
        "comment_length",
        "header_id",
        "data_size",
        "relative_offset_of_local_header",
        "size_of_central_directory",
        "offset_of_central_directory",
        "offset_of_zip64_end",
    ][..],
    refusals: &["which was removed: remove this item too"][..],
);
