using System.Diagnostics;
using System.Xml.Linq;
using MambaExt.Tests.Shared;
using Xunit;

namespace MambaExt.Tests.Reports;

/// <summary>A browser reads the report as it is meant: nothing is repaired, refused or fetched.</summary>
public sealed class BrowserTests : IDisposable
{
    private static readonly string? Browser = (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator)
        .SelectMany(folder => new[] { "chromium", "chromium-browser", "google-chrome" }.Select(name => Path.Combine(folder, name))).FirstOrDefault(File.Exists);

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task The_page_holds_its_paths_and_rows_without_errors_or_requests()
    {
        Assert.SkipWhen(Browser is null, "no chromium on the path");
        string run = SampleRun.Write(_folder, "run", seeds: 4);
        var (page, _) = SampleRun.Report(run);
        var (dom, log) = await Open(run, "--dump-dom");
        foreach (string mark in new[] { "class=\"seed\"", "<tr class=\"class\"", "class=\"mean\"", "<tr class=\"run\"", "<td", "<circle" })
        {
            // As many as in the file: the browser closed no element early and dropped none.
            Assert.Equal(Count(File.ReadAllText(Path.Combine(run, "report.html")), mark), Count(dom, mark));
        }

        Assert.Equal(4 * 4, Count(dom, "class=\"seed\""));
        Assert.Equal(SampleRun.Classes.Length, Count(dom, "<tr class=\"class\""));
        Assert.DoesNotContain("CONSOLE", log, StringComparison.Ordinal);
        Assert.DoesNotContain(page.DescendantsAndSelf().Attributes(), a => a.Name.LocalName is "src" or "srcset" || (a.Name.LocalName is "href" && !a.Value.StartsWith('#')));
        Assert.DoesNotContain("url(", page.Descendants("style").Single().Value, StringComparison.OrdinalIgnoreCase);
        Assert.DoesNotContain("@import", page.Descendants("style").Single().Value, StringComparison.OrdinalIgnoreCase);
    }

    [Fact]
    public async Task The_page_can_be_drawn_light_and_dark()
    {
        Assert.SkipWhen(Browser is null, "no chromium on the path");
        string run = SampleRun.Write(_folder, "run");
        SampleRun.Report(run);
        string light = Path.Combine(_folder.Path, "light.png"), dark = Path.Combine(_folder.Path, "dark.png");
        await Open(run, $"--screenshot={light}");
        await Open(run, $"--screenshot={dark}", "--force-dark-mode");
        Assert.NotEqual(File.ReadAllBytes(light), File.ReadAllBytes(dark));
        Assert.All([light, dark], picture => Assert.InRange(new FileInfo(picture).Length, 10_000, 10_000_000));
    }

    private static int Count(string text, string mark) => text.Split(mark).Length - 1;

    private async Task<(string Output, string Log)> Open(string run, params string[] arguments)
    {
        var start = new ProcessStartInfo(Browser!,
        [
            "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--host-resolver-rules=MAP * ~NOTFOUND", "--enable-logging=stderr", "--v=0",
            $"--user-data-dir={Path.Combine(_folder.Path, "profile")}", "--window-size=1000,3000", .. arguments, new Uri(Path.Combine(run, "report.html")).AbsoluteUri,
        ])
        { RedirectStandardOutput = true, RedirectStandardError = true };
        using var limit = new CancellationTokenSource(TimeSpan.FromMinutes(2));
        using Process process = Process.Start(start)!;
        try
        {
            Task<string> log = process.StandardError.ReadToEndAsync(limit.Token);
            string output = await process.StandardOutput.ReadToEndAsync(limit.Token);
            await process.WaitForExitAsync(limit.Token);
            Assert.Equal(0, process.ExitCode);
            return (output, await log);
        }
        finally
        {
            if (!process.HasExited)
            {
                process.Kill(entireProcessTree: true);
            }
        }
    }
}
