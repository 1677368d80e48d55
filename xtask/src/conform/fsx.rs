//! fsx: long random sequences of reads, writes, maps, truncations and holes on one file.

use super::tools::Tool;
use super::{Bench, Verdict};
use crate::cluster::Account;
use crate::failure::{Doing, Outcome};
use crate::{proc, say};

const TOOL: Tool = Tool { name: "fsx", version: "0.3.2" };

/// One way to run it: how often, the largest file, the largest operation, and their grain.
struct Shape {
    name: &'static str,
    n_operations: u32,
    file_bytes: u32,
    operation_bytes: u32,
    grain_bytes: u32,
}

/// Odd sizes in one group, pages over several groups, and large requests over many.
const SHAPES: &[Shape] = &[
    Shape {
        name: "odd",
        n_operations: 20_000,
        file_bytes: 262_144,
        operation_bytes: 65_536,
        grain_bytes: 1,
    },
    Shape {
        name: "pages",
        n_operations: 5000,
        file_bytes: 4_194_304,
        operation_bytes: 262_144,
        grain_bytes: 8192,
    },
    Shape {
        name: "large",
        n_operations: 1000,
        file_bytes: 8_388_608,
        operation_bytes: 2_097_152,
        grain_bytes: 1,
    },
];
const SEEDS: &[u64] = &[1, 2, 3, 4];

pub(super) fn run(bench: &Bench<'_>) -> Outcome<Verdict> {
    let account = Account::unprivileged()?;
    let program = bench.work.program(&TOOL.install()?)?;
    let mount = bench.engine(&account)?.mount()?;
    let n_seeds = u32::try_from(SEEDS.len()).expect("because there are few seeds");
    let n_operations = n_seeds * SHAPES.iter().map(|shape| shape.n_operations).sum::<u32>();
    let mut verdict = Verdict {
        suite: format!("fsx {}", TOOL.version),
        n_passed: 0,
        n_failed: 0,
        n_skipped: 0,
        failures: vec![],
        remark: format!(
            "{} shapes × {} seeds, {n_operations} operations in all, with mmap, fallocate, \
             punched holes, sendfile and copy_file_range.",
            SHAPES.len(),
            SEEDS.len()
        ),
    };
    for shape in SHAPES {
        let configuration = bench.work.path().join(format!("fsx-{}.toml", shape.name));
        std::fs::write(&configuration, shape.configuration())
            .doing(|| "write its configuration".to_owned())?;
        for seed in SEEDS {
            let file = mount.dir().join(format!("fsx-{}-{seed}", shape.name));
            let mut command = account.command(&program);
            command.args(["-N", &shape.n_operations.to_string(), "-S", &seed.to_string(), "-f"]);
            command.arg(&configuration).arg("-P").arg(mount.dir()).arg(&file);
            match proc::capture(&mut command) {
                Ok(_) => verdict.n_passed += 1,
                Err(failure) => {
                    let name = format!("shape {}, seed {seed}", shape.name);
                    say::note(&format!("{name}: {}", failure.detail.unwrap_or_default()));
                    verdict.n_failed += 1;
                    verdict.failures.push(name);
                }
            }
        }
    }
    mount.unmount()?;
    Ok(verdict)
}

impl Shape {
    fn configuration(&self) -> String {
        let Self { file_bytes, operation_bytes, grain_bytes, .. } = self;
        // fsx 0.3.2 does not keep posix_fallocate to the grain, and then asks for no bytes at all,
        // which every file system refuses.
        let fallocate = if *grain_bytes == 1 { 2 } else { 0 };
        format!(
            "flen = {file_bytes}\n\
             [opsize]\nmax = {operation_bytes}\nmin = 1\nalign = {grain_bytes}\n\
             [weights]\nclose_open = 1\nread = 10\nwrite = 10\nmapread = 10\nmapwrite = 10\n\
             invalidate = 1\ntruncate = 3\nfsync = 1\nfdatasync = 1\n\
             posix_fallocate = {fallocate}\npunch_hole = 3\nsendfile = 2\n\
             posix_fadvise = 1\ncopy_file_range = 1\n"
        )
    }
}

#[cfg(test)]
mod tests {
    use super::SHAPES;

    #[test]
    fn operations_fit_the_file_and_the_grain() {
        for shape in SHAPES {
            assert!(shape.operation_bytes <= shape.file_bytes, "{}", shape.name);
            assert_eq!(shape.file_bytes % shape.grain_bytes, 0, "{}", shape.name);
            assert_eq!(shape.operation_bytes % shape.grain_bytes, 0, "{}", shape.name);
        }
    }
}
