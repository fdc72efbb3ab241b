//! Office documents, which are archives: by the directory at their end.

use crate::{CHUNK, TestApp, files};

crate::on_both! {
    are_known_in_whatever_order_they_were_written,
}

fn are_known_in_whatever_order_they_were_written(app: &TestApp) {
    for (name, main, kind) in [
        ("a.docx", "word/document.xml", "application/vnd.openxmlformats-officedocument.wordprocessingml.document"),
        ("a.xlsx", "xl/workbook.xml", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
        ("a.pptx", "ppt/presentation.xml", "application/vnd.openxmlformats-officedocument.presentationml.presentation"),
    ] {
        for parts in [["[Content_Types].xml", "_rels/.rels", main], [main, "docProps/app.xml", "[Content_Types].xml"]] {
            for filling in [0, 8 << 10, 3 * CHUNK] {
                assert_eq!(app.stored(name, &files::archive(&parts, filling))["mime_type"], kind, "{name} {filling}");
            }
        }
    }
}
