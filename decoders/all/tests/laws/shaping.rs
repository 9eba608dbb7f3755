//! Fields that say how others are read: after an edit of one, what it says of others reads otherwise, as it was asked for
//! (law 6: the tree that is edited keeps its shape, and the bytes say what was assigned).

use binq_core::{Key, Node, NodeKind};

/// The fields, by format. A name with a dot has what it lies in before it.
fn of(format: &str) -> &'static [&'static str] {
    match format {
        "pg_wal" => &[
            "xl_tot_len",
            "main_data_length",
            "xlp_magic",
            "xlp_rem_len",
            "xlp_pageaddr",
            "XLP_LONG_HEADER",
            "XLP_FIRST_IS_CONTRECORD",
            "BKPBLOCK_HAS_IMAGE",
            "BKPBLOCK_HAS_DATA",
            "BKPBLOCK_SAME_REL",
            "data_length",
            "BKPIMAGE_HAS_HOLE",
            "BKPIMAGE_IS_COMPRESSED",
            "BKPIMAGE_COMPRESS_PGLZ",
            "BKPIMAGE_COMPRESS_LZ4",
            "BKPIMAGE_COMPRESS_ZSTD",
            "xl_rmid",
            "xl_info",
            "XLP_FIRST_IS_OVERWRITE_CONTRECORD",
            "blocks.id",
        ],
        "http2" | "pcap" | "pcapng" => &[
            "magic",
            "network",
            "incl_len",
            "caplen",
            "capture_packet_length",
            "interface_id",
            "link_type",
            "byte_order_magic",
            "blocks.length",
            "packets.length",
            "frames.length",
            "messages.length",
            "requests.length",
            "responses.length",
            "chunks.size",
            "content-length",
            "stream_id",
            "flags.end_headers",
            "payload.pad_length",
            "payload.fragment",
            "preface",
            "address_family",
            "more_fragments",
            "fragment_offset",
            "source_ip",
            "destination_ip",
            "source_port",
            "destination_port",
            "sequence_number",
            "wire_type",
            "number",
            "frames.type",
            "blocks.type",
            "flags.padded",
            "flags.priority",
            "ether_type",
            "protocol_type",
            "version_major",
            "grpc-encoding",
            "version",
            "ihl",
            "protocol",
            "total_length",
            "compressed",
            "name",
            "content-type",
            "index",
        ],
        "pg_control" => &["pg_control_version", "catalog_version_no"],
        "png" => &["chunks.length", "type", "compression_flag"],
        "zip" => &[
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
        ],
        _ => &[
            "wire_type",
            "number",
            "length",
            "compressed",
            "index_count",
            "message_indexes",
            "type_url",
        ],
    }
}

/// Whether the field of a path is one of them.
pub fn is_shaping(format: &str, path: &[Key]) -> bool {
    let names: Vec<&str> = path
        .iter()
        .filter_map(|key| match key {
            Key::Name(name) => Some(&**name),
            Key::Index(_) => None,
        })
        .collect();
    let Some((last, before)) = names.split_last() else {
        return false;
    };
    of(format).iter().any(|field| match field.split_once('.') {
        Some((around, name)) => name == *last && before.last() == Some(&around),
        None => field == last,
    })
}

/// The leaves below a node whose values an edit changed, by their paths.
pub fn changed(path: &mut Vec<Key>, was: Option<&Node>, is: &Node, out: &mut Vec<Vec<Key>>) {
    match is.kind() {
        NodeKind::Scalar => {
            if was.and_then(Node::actual) != is.actual() {
                out.push(path.clone());
            }
        }
        NodeKind::Object => {
            for (name, child) in is.fields() {
                let was = was.and_then(|n| n.field(&name));
                path.push(Key::Name(name));
                changed(path, was.as_ref(), &child, out);
                path.pop();
            }
        }
        NodeKind::Array => {
            for (i, item) in is.items().enumerate() {
                let was = was.and_then(|n| n.item(i as u64));
                path.push(Key::Index(i as u64));
                changed(path, was.as_ref(), &item, out);
                path.pop();
            }
        }
    }
}
