//! What browsers, systems and devices write into a user agent: the first pattern that fits counts.

/// A regular expression and the parts it gives, with its groups as `$1` and so on.
pub(super) type Pattern<const N: usize> = (&'static str, [&'static str; N]);

/// Family, major, minor, patch.
pub(super) const BROWSERS: &[Pattern<4>] = &[
    (
        r"(?i)(Googlebot|bingbot|YandexBot|DuckDuckBot|Applebot)(?:[/ ](\d+)(?:\.(\d+))?)?",
        ["$1", "$2", "$3", ""],
    ),
    (
        r"(?i)(AhrefsBot|SemrushBot|Slackbot)(?:[/ ](\d+)(?:\.(\d+))?(?:\.(\d+))?)?",
        ["$1", "$2", "$3", "$4"],
    ),
    (r"Baiduspider(?:/(\d+)(?:\.(\d+))?)?", ["Baiduspider", "$1", "$2", ""]),
    (
        r"(AdobeAIR|curl|Wget|Electron|PostmanRuntime|okhttp)/(\d+)(?:\.(\d+))?(?:\.(\d+))?",
        ["$1", "$2", "$3", "$4"],
    ),
    (
        r"(Go-http-client|Vivaldi|PhantomJS|HeadlessChrome)/(\d+)(?:\.(\d+))?(?:\.(\d+))?",
        ["$1", "$2", "$3", "$4"],
    ),
    (
        r"(?i)python-(requests|urllib)/(\d+)(?:\.(\d+))?(?:\.(\d+))?",
        ["Python $1", "$2", "$3", "$4"],
    ),
    (r"PowerShell/(\d+)(?:\.(\d+))?(?:\.(\d+))?", ["PowerShell", "$1", "$2", "$3"]),
    (r"^Java/(\d+)(?:\.(\d+))?(?:\.(\d+))?", ["Java", "$1", "$2", "$3"]),
    (r"SymbianOS.*Series60/(\d+)\.(\d+)", ["Nokia OSS Browser", "$1", "$2", ""]),
    (r"Microsoft Outlook (\d+)(?:\.(\d+))?(?:\.(\d+))?", ["Outlook", "$1", "$2", "$3"]),
    (r"Edg(?:A|iOS)/(\d+)(?:\.(\d+))?(?:\.(\d+))?", ["Edge Mobile", "$1", "$2", "$3"]),
    (r"Edge?/(\d+)(?:\.(\d+))?(?:\.(\d+))?", ["Edge", "$1", "$2", "$3"]),
    (r"Mobile.*OPR/(\d+)(?:\.(\d+))?(?:\.(\d+))?", ["Opera Mobile", "$1", "$2", "$3"]),
    (r"OPR/(\d+)(?:\.(\d+))?(?:\.(\d+))?", ["Opera", "$1", "$2", "$3"]),
    (r"Opera Mini/(\d+)(?:\.(\d+))?", ["Opera Mini", "$1", "$2", ""]),
    (r"Opera.*Version/(\d+)(?:\.(\d+))?", ["Opera", "$1", "$2", ""]),
    (r"Opera[/ ](\d+)(?:\.(\d+))?", ["Opera", "$1", "$2", ""]),
    (r"SamsungBrowser/(\d+)(?:\.(\d+))?", ["Samsung Internet", "$1", "$2", ""]),
    (r"YaBrowser/(\d+)(?:\.(\d+))?(?:\.(\d+))?", ["Yandex Browser", "$1", "$2", "$3"]),
    (r"UCBrowser/(\d+)(?:\.(\d+))?(?:\.(\d+))?", ["UC Browser", "$1", "$2", "$3"]),
    (r"FxiOS/(\d+)(?:\.(\d+))?(?:\.(\d+))?", ["Firefox iOS", "$1", "$2", "$3"]),
    (r"(?:Mobile|Tablet);.*Firefox/(\d+)(?:\.(\d+))?", ["Firefox Mobile", "$1", "$2", ""]),
    (r"Firefox/(\d+)(?:\.(\d+))?(?:\.(\d+))?", ["Firefox", "$1", "$2", "$3"]),
    (r"CriOS/(\d+)(?:\.(\d+))?(?:\.(\d+))?", ["Chrome Mobile iOS", "$1", "$2", "$3"]),
    (r"Chromium/(\d+)(?:\.(\d+))?(?:\.(\d+))?", ["Chromium", "$1", "$2", "$3"]),
    (r"; wv\).*Chrome/(\d+)(?:\.(\d+))?(?:\.(\d+))?", ["Chrome Mobile WebView", "$1", "$2", "$3"]),
    (r"Chrome/(\d+)(?:\.(\d+))?(?:\.(\d+))?\S* Mobile", ["Chrome Mobile", "$1", "$2", "$3"]),
    (r"Chrome/(\d+)(?:\.(\d+))?(?:\.(\d+))?", ["Chrome", "$1", "$2", "$3"]),
    (r"Android.*Version/(\d+)(?:\.(\d+))?.*Safari/", ["Android", "$1", "$2", ""]),
    (
        r"Version/(\d+)(?:\.(\d+))?(?:\.(\d+))?.*Mobile.*Safari/",
        ["Mobile Safari", "$1", "$2", "$3"],
    ),
    (r"Version/(\d+)(?:\.(\d+))?(?:\.(\d+))?.*Safari/", ["Safari", "$1", "$2", "$3"]),
    (r"(?:iPhone|iPad|iPod).*AppleWebKit", ["Mobile Safari UI/WKWebView", "", "", ""]),
    (r"Macintosh.*AppleWebKit/(\d+)(?:\.(\d+))?(?:\.(\d+))?", ["Apple Mail", "$1", "$2", "$3"]),
    (r"Trident/.*rv:(\d+)\.(\d+)", ["IE", "$1", "$2", ""]),
    (r"MSIE (\d+)\.(\d+)", ["IE", "$1", "$2", ""]),
];

/// Family, major, minor, patch, patch minor.
pub(super) const SYSTEMS: &[Pattern<5>] = &[
    (r"SymbianOS/(\d+)\.(\d+)", ["Symbian OS", "$1", "$2", "", ""]),
    (r"Windows Phone (?:OS )?(\d+)(?:\.(\d+))?", ["Windows Phone", "$1", "$2", "", ""]),
    (r"Windows NT 10\.", ["Windows", "10", "", "", ""]),
    (r"Windows NT 6\.3", ["Windows", "8", "1", "", ""]),
    (r"Windows NT 6\.2", ["Windows", "8", "", "", ""]),
    (r"Windows NT 6\.1", ["Windows", "7", "", "", ""]),
    (r"Windows NT 6\.0", ["Windows", "Vista", "", "", ""]),
    (r"Windows NT 5\.[12]", ["Windows", "XP", "", "", ""]),
    (r"Windows NT 5\.0", ["Windows", "2000", "", "", ""]),
    (r"Windows (95|98|ME|2000|XP)", ["Windows", "$1", "", "", ""]),
    (r"Windows|Win32|Win64", ["Windows", "", "", "", ""]),
    (r"Android[ -](\d+)(?:\.(\d+))?(?:\.(\d+))?(?:\.(\d+))?", ["Android", "$1", "$2", "$3", "$4"]),
    (r"Android", ["Android", "", "", "", ""]),
    (r"CPU (?:iPhone )?OS (\d+)_(\d+)(?:_(\d+))?", ["iOS", "$1", "$2", "$3", ""]),
    (r"iPhone|iPad|iPod", ["iOS", "", "", "", ""]),
    (r"Mac OS X (\d+)[_.](\d+)(?:[_.](\d+))?", ["Mac OS X", "$1", "$2", "$3", ""]),
    (r"Mac OS X|Macintosh", ["Mac OS X", "", "", "", ""]),
    (r"CrOS \w+ (\d+)\.(\d+)(?:\.(\d+))?", ["Chrome OS", "$1", "$2", "$3", ""]),
    (
        r"(Ubuntu|Fedora|Debian|Red Hat|CentOS|SUSE|Gentoo)(?:[/ -](\d+)(?:\.(\d+))?)?",
        ["$1", "$2", "$3", "", ""],
    ),
    (r"(Linux|FreeBSD|OpenBSD|NetBSD)", ["$1", "", "", "", ""]),
];

/// Family, brand, model.
pub(super) const DEVICES: &[Pattern<3>] = &[
    (r"(?i)bot\b|spider|crawl|slurp", ["Spider", "Spider", "Desktop"]),
    (r"(iPhone|iPad|iPod)", ["$1", "Apple", "$1"]),
    (r"Nokia(N\d+)(-\d+)?", ["Nokia $1", "Nokia", "$1$2"]),
    (r"Nokia ?([\w.-]+)", ["Nokia $1", "Nokia", "$1"]),
    (r"; *((?:SM|GT|SCH|SGH)-[A-Z0-9]+)", ["Samsung $1", "Samsung", "$1"]),
    (r"; *(Pixel[^;)]*?) *(?:Build|;|\))", ["$1", "Google", "$1"]),
    (r"; *(Nexus[^;)]*?) *(?:Build|;|\))", ["$1", "Google", "$1"]),
    (r"; *(?:HUAWEI|Huawei) ?([\w-]+)", ["Huawei $1", "Huawei", "$1"]),
    (r"; *(moto [^;)]*?) *(?:Build|;|\))", ["$1", "Motorola", "$1"]),
    (r"; *(Redmi[^;)]*?) *(?:Build|;|\))", ["XiaoMi $1", "XiaoMi", "$1"]),
    (r"Android [^;)]+; *([^;)]+?) *(?:Build/|;|\))", ["$1", "Generic_Android", "$1"]),
    (r"Android.*Mobile", ["Generic Smartphone", "Generic", "Smartphone"]),
    (r"Macintosh", ["Mac", "Apple", "Mac"]),
];
