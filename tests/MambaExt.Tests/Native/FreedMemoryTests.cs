using MambaExt.Tests.Shared;
using TorchSharp;
using static TorchSharp.torch;

namespace MambaExt.Tests.Native;

/// <summary>What the process holds once tensors are gone.</summary>
public sealed class FreedMemoryTests
{
    private const string Name = "MambaExt.Tests.Native.FreedMemoryTests.Memory_of_tensors_that_are_gone_stays_with_the_process_where_that_was_asked_for";
    private const long Size = 20 << 20, Count = 8;

    [Fact]
    public async Task Memory_of_tensors_that_are_gone_stays_with_the_process_where_that_was_asked_for()
    {
        if (OtherProcess.Part is { } part)
        {
            bool done = part != "not" && Compute.KeepFreedMemory();
            Assert.Equal(part == "keep", done);
            _ = zeros(1);
            long before = Held();
            using (NewDisposeScope())
            {
                for (int i = 0; i < Count; i++)
                {
                    _ = ones(Size / 4);
                }
            }

            // The C library by itself keeps twice its largest block that is not mapped alone.
            long after = Held() - before;
            Assert.InRange(after, done ? Count * Size * 9 / 10 : -Size, done ? 2 * Count * Size : Count * Size / 3);
            return;
        }

        Assert.SkipUnless(OperatingSystem.IsLinux(), "glibc is asked for it, and this is no Linux.");
        await OtherProcess.Passes(OtherProcess.Start(Name, "not"));
        await OtherProcess.Passes(OtherProcess.Start(Name, "keep"));
        await OtherProcess.Passes(OtherProcess.Start(Name, "settled", ("MALLOC_MMAP_MAX_", "65536")));
    }

    private static long Held() =>
        long.Parse(File.ReadLines("/proc/self/status").First(l => l.StartsWith("RssAnon:", StringComparison.Ordinal))[8..].Replace("kB", "", StringComparison.Ordinal), System.Globalization.CultureInfo.InvariantCulture) << 10;
}
