using System.Text;
using CsCheck;
using MambaExt.Kernels.Cuda;
using MambaExt.Tests.Shared;
using Xunit;

namespace MambaExt.Kernels.Tests.Cuda;

public sealed class CubinCacheTests : IDisposable
{
    private static readonly KernelSource Source = KernelSource.FromText("one.cu", "one");
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void AKernelIsCompiledOnceAProcessAndReadByTheNext()
    {
        FakeCompiler first = new(), second = new();
        CubinCache cache = new(_folder.Path, first);
        CompiledKernel made = cache.Get(Source, "f<1>", FakeCompiler.Sm90);
        Assert.Same(made, cache.Get(Source, "f<1>", FakeCompiler.Sm90));
        CompiledKernel read = new CubinCache(_folder.Path, second).Get(Source, "f<1>", FakeCompiler.Sm90);
        Assert.Equal((1, 0), (first.Compiled, second.Compiled));
        Assert.Equal(made.Symbol, read.Symbol);
        Assert.Equal(made.Image, read.Image);
        Assert.Equal("a log", read.Log);
        Assert.Single(Directory.GetFiles(_folder.Path));
    }

    [Fact]
    public void WhateverMakesAnImageIsInItsKey()
    {
        FakeCompiler compiler = new(), other = new() { Identity = "fake 2" };
        CubinCache cache = new(_folder.Path, compiler);
        cache.Get(Source, "f<1>", FakeCompiler.Sm90);
        cache.Get(Source, "f<2>", FakeCompiler.Sm90);
        cache.Get(Source, "f<1>", new(80, IsPtx: false));
        cache.Get(Source, "f<1>", new(90, IsPtx: true));
        cache.Get(KernelSource.FromText("one.cu", "two"), "f<1>", FakeCompiler.Sm90);
        new CubinCache(_folder.Path, other).Get(Source, "f<1>", FakeCompiler.Sm90);
        Assert.Equal((5, 1), (compiler.Compiled, other.Compiled));
        Assert.Equal(6, Directory.GetFiles(_folder.Path).Length);
    }

    [Fact]
    public void ManyThreadsCompileOnce()
    {
        FakeCompiler compiler = new() { Takes = TimeSpan.FromMilliseconds(100) };
        CubinCache cache = new(null, compiler);
        Thread[] threads = [.. Enumerable.Range(0, 8).Select(_ => new Thread(() => cache.Get(Source, "f<1>", FakeCompiler.Sm90)))];
        Array.ForEach(threads, thread => thread.Start());
        Array.ForEach(threads, thread => thread.Join());
        Assert.Equal(1, compiler.Compiled);
    }

    [Fact]
    public void WhatIsExpectedIsCompiledOnceWhoeverAsksForIt()
    {
        FakeCompiler compiler = new();
        CubinCache cache = new(null, compiler);
        string[] instances = [.. Enumerable.Range(0, 20).Select(i => $"f<{i}>")];
        cache.Expect(Source, instances, FakeCompiler.Sm90);
        Array.ForEach(instances, one => cache.Get(Source, one, FakeCompiler.Sm90));
        cache.Expect(Source, instances, FakeCompiler.Sm90);
        cache.EndExpected();
        Assert.Equal(20, compiler.Compiled);
    }

    [Fact]
    public void WhatFailsAheadIsToldToWhoAsks()
    {
        FakeCompiler compiler = new() { Fails = new CudaException("no such luck") };
        CubinCache cache = new(null, compiler);
        cache.Expect(Source, ["f<1>"], FakeCompiler.Sm90);
        SpinWait.SpinUntil(() => compiler.Compiled > 0, TimeSpan.FromMinutes(1));
        Assert.Equal("no such luck", Assert.Throws<CudaException>(() => cache.Get(Source, "f<1>", FakeCompiler.Sm90)).Message);
        cache.EndExpected();
        compiler.Fails = null;
        Assert.Equal(FakeCompiler.Symbol("f<1>"), cache.Get(Source, "f<1>", FakeCompiler.Sm90).Symbol);
    }

    // As where a process ends: the compiler may not be in the middle of its work then.
    [Fact]
    public void AtTheEndWhatHasBegunIsFinishedAndNothingElseBegins()
    {
        using ManualResetEventSlim begun = new();
        int done = 0;
        FakeCompiler compiler = new()
        {
            Begins = _ =>
            {
                begun.Set();
                Thread.Sleep(200);
                Interlocked.Increment(ref done);
            },
        };
        CubinCache cache = new(null, compiler);
        cache.Expect(Source, Enumerable.Range(0, 500).Select(i => $"f<{i}>"), FakeCompiler.Sm90);
        Assert.True(begun.Wait(TimeSpan.FromMinutes(1), TestContext.Current.CancellationToken));
        cache.EndExpected();
        int compiled = compiler.Compiled;
        Assert.Equal(compiled, done);
        Assert.InRange(compiled, 1, 499);
        cache.Expect(Source, ["f<1000>"], FakeCompiler.Sm90);
        Thread.Sleep(50);
        Assert.Equal(compiled, compiler.Compiled);
    }

    // A cache each, as processes have (see CubinCacheProcessTests for those): all write the same files at the same time.
    [Fact]
    public void ManyCachesLeaveWholeFiles()
    {
        for (int round = 0; round < 20; round++)
        {
            string instance = $"f<{round}>";
            FakeCompiler[] compilers = [.. Enumerable.Range(0, 8).Select(_ => new FakeCompiler { Takes = TimeSpan.FromMilliseconds(1) })];
            Thread[] threads = [.. compilers.Select(one => new Thread(() =>
                Assert.Equal(FakeCompiler.Symbol(instance), new CubinCache(_folder.Path, one).Get(Source, instance, FakeCompiler.Sm90).Symbol)))];
            Array.ForEach(threads, thread => thread.Start());
            Array.ForEach(threads, thread => thread.Join());
            FakeCompiler last = new();
            new CubinCache(_folder.Path, last).Get(Source, instance, FakeCompiler.Sm90);
            Assert.Equal(0, last.Compiled);
        }

        Assert.Equal(20, Directory.GetFiles(_folder.Path).Length);
        Assert.Empty(Directory.GetFiles(_folder.Path, "*" + PartialFile.Suffix));
    }

    [Fact]
    public void ADamagedFileIsBuiltAnew()
    {
        new CubinCache(_folder.Path, new FakeCompiler()).Get(Source, "f<1>", FakeCompiler.Sm90);
        string file = Directory.GetFiles(_folder.Path).Single();
        byte[] whole = File.ReadAllBytes(file);
        HostileBytes.Of(whole, head: 110).Sample(
            bytes =>
            {
                File.WriteAllBytes(file, bytes);
                FakeCompiler compiler = new();
                CompiledKernel kernel = new CubinCache(_folder.Path, compiler).Get(Source, "f<1>", FakeCompiler.Sm90);
                Assert.Equal(FakeCompiler.Symbol("f<1>"), kernel.Symbol);
                Assert.Equal($"fake{kernel.Symbol}\0for sm_90", Encoding.ASCII.GetString(kernel.Image));
                Assert.Equal(bytes.AsSpan().SequenceEqual(whole) ? 0 : 1, compiler.Compiled);
                Assert.Equal(whole, File.ReadAllBytes(file));
            },
            iter: 300,
            threads: 1);
    }

    // Whole, but another kernel's: as after a copy by hand.
    [Fact]
    public void AFileUnderAnotherNameIsNotTaken()
    {
        CubinCache cache = new(_folder.Path, new FakeCompiler());
        cache.Get(Source, "f<1>", FakeCompiler.Sm90);
        string one = Directory.GetFiles(_folder.Path).Single();
        cache.Get(Source, "f<2>", FakeCompiler.Sm90);
        string two = Directory.GetFiles(_folder.Path).Single(file => file != one);
        File.Copy(one, two, overwrite: true);
        Assert.Equal(FakeCompiler.Symbol("f<2>"), new CubinCache(_folder.Path, new FakeCompiler()).Get(Source, "f<2>", FakeCompiler.Sm90).Symbol);
    }

    [Fact]
    public void WhatAKilledProcessLeftIsWrittenOver()
    {
        new CubinCache(_folder.Path, new FakeCompiler()).Get(Source, "f<1>", FakeCompiler.Sm90);
        string file = Directory.GetFiles(_folder.Path).Single();
        File.Move(file, file + PartialFile.Suffix);
        File.AppendAllText(file + PartialFile.Suffix, "half");
        new CubinCache(_folder.Path, new FakeCompiler()).Get(Source, "f<1>", FakeCompiler.Sm90);
        Assert.Equal(file, Directory.GetFiles(_folder.Path).Single());
    }

    [Fact]
    public void AFolderThatCannotBeUsedCostsTimeAlone()
    {
        FakeCompiler compiler = new();
        CubinCache cache = new(_folder.Write("a file"), compiler);
        Assert.Equal(FakeCompiler.Symbol("f<1>"), cache.Get(Source, "f<1>", FakeCompiler.Sm90).Symbol);
        Assert.Equal(1, compiler.Compiled);
    }

    [Fact]
    public void AnErrorIsNotKept()
    {
        FakeCompiler compiler = new() { Fails = new CudaException("no") };
        CubinCache cache = new(_folder.Path, compiler);
        Assert.Throws<CudaException>(() => cache.Get(Source, "f<1>", FakeCompiler.Sm90));
        compiler.Fails = null;
        Assert.Equal(FakeCompiler.Symbol("f<1>"), cache.Get(Source, "f<1>", FakeCompiler.Sm90).Symbol);
    }

    [Fact]
    public void TheFolderIsTheUsersUnlessSaidOtherwise()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "the folders are those of Linux");
        Assert.Equal("/h/.cache/mambaext/kernels", Folder(("HOME", "/h")));
        Assert.Equal("/c/mambaext/kernels", Folder(("HOME", "/h"), ("XDG_CACHE_HOME", "/c")));
        Assert.Equal("/k", Folder(("HOME", "/h"), ("MAMBAEXT_KERNEL_CACHE", "/k")));
        Assert.Null(Folder(("HOME", "/h"), ("MAMBAEXT_KERNEL_CACHE", "off")));
        Assert.Null(Folder());
        Assert.Null(Folder(("XDG_CACHE_HOME", "relative")));

        static string? Folder(params (string Name, string Value)[] variables) =>
            CubinCache.DefaultFolder(name => variables.Where(one => one.Name == name).Select(one => one.Value).FirstOrDefault());
    }
}
