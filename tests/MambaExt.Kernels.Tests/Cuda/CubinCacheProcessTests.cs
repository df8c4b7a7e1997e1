using System.Diagnostics;
using MambaExt.Kernels.Cuda;
using MambaExt.Tests.Shared;

namespace MambaExt.Kernels.Tests.Cuda;

/// <summary>The cache of kernels under real processes, one of which is killed.</summary>
public sealed class CubinCacheProcessTests
{
    private const int Kernels = 60, Padding = 300_000, LargePadding = 5_000_000;
    private const int Endless = 20;
    private const string Folder = "MAMBAEXT_TEST_FOLDER";
    private static readonly KernelSource Source = KernelSource.FromText("one.cu", "one");

    /// <summary>Two processes write the same files side by side, and one is killed while it writes others: whole files remain, and a fourth compiles nothing of the
    /// first two's anew.</summary>
    [Fact]
    public async Task Processes_that_write_side_by_side_leave_whole_files()
    {
        if (OtherProcess.Part is { } part)
        {
            if (part == "endless")
            {
                FillForEver(Environment.GetEnvironmentVariable(Folder)!);
            }

            Fill(new(Environment.GetEnvironmentVariable(Folder), new FakeCompiler { Padding = Padding }));
            return;
        }

        using TemporaryFolder folder = new();
        string method = $"{typeof(CubinCacheProcessTests).FullName}.{nameof(Processes_that_write_side_by_side_leave_whole_files)}";
        using Process killed = OtherProcess.Start(method, "endless", (Folder, folder.Path));
        using Process one = OtherProcess.Start(method, "shared", (Folder, folder.Path)), two = OtherProcess.Start(method, "shared", (Folder, folder.Path));
        await Task.WhenAll(OtherProcess.Passes(one), OtherProcess.Passes(two));
        Assert.True(SpinWait.SpinUntil(() => Large(folder.Path).Length > 0, TimeSpan.FromMinutes(2)), "the process to be killed wrote nothing");
        Assert.False(killed.HasExited);
        killed.Kill(entireProcessTree: true);
        await killed.WaitForExitAsync(TestContext.Current.CancellationToken);

        FakeCompiler compiler = new() { Padding = Padding };
        CubinCache cache = new(folder.Path, compiler);
        Fill(cache);
        Assert.Equal(0, compiler.Compiled);

        // What the killed one had begun is either whole or not taken.
        for (int i = 0; i < Endless; i++)
        {
            Assert.Equal(FakeCompiler.Symbol($"endless<{i}>"), cache.Get(Source, $"endless<{i}>", FakeCompiler.Sm90).Symbol);
        }
    }

    private static void Fill(CubinCache cache)
    {
        for (int i = 0; i < Kernels; i++)
        {
            Assert.Equal(FakeCompiler.Symbol($"shared<{i}>"), cache.Get(Source, $"shared<{i}>", FakeCompiler.Sm90).Symbol);
        }
    }

    /// <summary>Mostly in the middle of a large file; the folder keeps a few of them.</summary>
    private static void FillForEver(string folder)
    {
        for (int i = 0; ; i++)
        {
            new CubinCache(folder, new FakeCompiler { Padding = LargePadding }).Get(Source, $"endless<{i % Endless}>", FakeCompiler.Sm90);
            foreach (FileInfo old in Large(folder).OrderByDescending(file => file.LastWriteTimeUtc).Skip(3))
            {
                old.Delete();
            }
        }
    }

    private static FileInfo[] Large(string folder) =>
        [.. new DirectoryInfo(folder).GetFiles().Where(file => !file.Name.EndsWith(PartialFile.Suffix, StringComparison.Ordinal) && Length(file) > LargePadding)];

    /// <summary>0 for a file that another process has removed since it was listed.</summary>
    private static long Length(FileInfo file)
    {
        try
        {
            return file.Length;
        }
        catch (FileNotFoundException)
        {
            return 0;
        }
    }
}
