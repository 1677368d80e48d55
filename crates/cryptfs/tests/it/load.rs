//! Many files, many threads.

use std::fs::File;
use std::os::unix::fs::FileExt;

use cryptfs::fuse::MountOptions;

use crate::fixture::{Folders, noise};

#[test]
fn thirty_thousand_files_with_few_descriptors() {
    const N: usize = 30_000;
    let folders = Folders::new();
    let options = MountOptions { n_descriptors: Some(500), ..MountOptions::default() };
    let mount = folders.mount_with(&options);
    let path = |n: usize| mount.path(&format!("d{}/f{n}", n % 50));
    // The first write of a file waits for the disk, so most stay empty.
    let content =
        |n: usize| if n.is_multiple_of(10) { format!("content {n}") } else { String::new() };
    for n in 0..50 {
        std::fs::create_dir(mount.path(&format!("d{n}"))).unwrap();
    }
    for n in 0..N {
        std::fs::write(path(n), content(n)).unwrap();
    }
    // Wider than the budget, so that handles are given back and opened again.
    for n in (0..N).step_by(7).chain((0..N).step_by(11)) {
        assert_eq!(std::fs::read_to_string(path(n)).unwrap(), content(n));
    }
    for n in (0..N).step_by(3) {
        std::fs::rename(path(n), mount.path(&format!("d{}/g{n}", (n + 1) % 50))).unwrap();
    }
    for n in (0..N).step_by(1000) {
        let name = match n % 3 {
            0 => mount.path(&format!("d{}/g{n}", (n + 1) % 50)),
            _ => path(n),
        };
        assert_eq!(std::fs::read_to_string(name).unwrap(), content(n));
    }
    for n in 0..50 {
        std::fs::remove_dir_all(mount.path(&format!("d{n}"))).unwrap();
    }
    mount.stop();
}

#[test]
fn parallel_writers_each_find_what_they_wrote() {
    const N_THREADS: u64 = 8;
    const N_PAGES: u64 = 400;
    const PAGE: u64 = 8192;
    let folders = Folders::new();
    let mount = folders.mount();
    let shared =
        File::options().read(true).write(true).create_new(true).open(mount.path("shared")).unwrap();
    let root = mount.root();
    let work = |me: u64, shared: &File| {
        let own = root.join(format!("own{me}"));
        for n in 0..N_PAGES {
            // Pages of all threads lie side by side in the shared file.
            let at = (n * N_THREADS + me) * PAGE;
            let page = noise(me << 32 | n, PAGE as usize);
            shared.write_all_at(&page, at).unwrap();
            std::fs::write(&own, &page).unwrap();
            if n % 16 == 0 {
                shared.sync_data().unwrap();
                std::fs::rename(&own, root.join(format!("old{me}"))).unwrap();
            }
            let mut back = vec![0; PAGE as usize];
            shared.read_exact_at(&mut back, at).unwrap();
            assert!(back == page, "thread {me} page {n}");
        }
    };
    std::thread::scope(|scope| {
        for me in 0..N_THREADS {
            let shared = &shared;
            scope.spawn(move || work(me, shared));
        }
    });
    drop(shared);
    mount.stop();
    let mount = folders.mount();
    let all = std::fs::read(mount.path("shared")).unwrap();
    for (at, page) in all.chunks(PAGE as usize).enumerate() {
        let (n, me) = (at as u64 / N_THREADS, at as u64 % N_THREADS);
        assert!(page == noise(me << 32 | n, PAGE as usize), "thread {me} page {n}");
    }
    mount.stop();
}
