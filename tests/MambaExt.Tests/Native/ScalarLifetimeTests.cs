using System.Reflection;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using MambaExt.Native;
using MambaExt.Tests.Shared;
using TorchSharp;
using static TorchSharp.torch;

namespace MambaExt.Tests.Native;

/// <summary>What a finalizer frees, a native call may still be reading.</summary>
public sealed class ScalarLifetimeTests : TensorTests
{
    private const int SizeOfScalar = 32;

    private static readonly MethodInfo HandleOf = typeof(Scalar).GetProperty("Handle", BindingFlags.NonPublic | BindingFlags.Instance)!.GetMethod!;

    [Fact]
    public void The_number_of_a_finalized_scalar_stays_where_it_was()
    {
        OnlyLinux();
        const int Count = 2000;
        int before = ScalarLifetime.Waiting!.Held;
        (nint[] handles, byte[][] numbers) = Abandon(Count);
        LeakCheck.Collect();
        int wrong = Enumerable.Range(0, Count).Count(i => !numbers[i].AsSpan().SequenceEqual(Bytes(handles[i])));
        Assert.Equal(0, wrong);
        Assert.True(ScalarLifetime.Waiting.Held + ScalarLifetime.Waiting.Released >= before + Count, "the finalizers did not come here");
    }

    [Fact]
    public void What_waited_long_enough_is_freed()
    {
        OnlyLinux();
        Quarantine waiting = ScalarLifetime.Waiting!;
        Dispose((1 << 16) + 1000);
        Thread.Sleep(1100);
        long before = waiting.Released;
        Dispose(500);
        Assert.InRange(waiting.Released - before, 500, long.MaxValue);
        Assert.InRange(waiting.Held, 1 << 16, 1 << 20);
    }

    /// <summary>Of float32 and float64 libtorch first converts all elements, and only then reads the factor of the sum: a wide window.</summary>
    [Fact]
    public async Task Collections_in_the_midst_of_an_operation_change_nothing()
    {
        OnlyLinux();
        using var stop = new CancellationTokenSource(TimeSpan.FromSeconds(3));
        Task worker = Task.Factory.StartNew(() => Add(stop.Token), CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
        while (!stop.IsCancellationRequested && !worker.IsCompleted)
        {
            GC.Collect(0);
            Thread.Yield();
        }

        await worker;
    }

    [Fact]
    public void A_library_that_lacks_the_function_stays_as_it_is()
    {
        OnlyLinux();
        Assert.True(NativeLibrary.TryLoad("LibTorchSharp", typeof(torch).Assembly, null, out nint library));
        Assert.False(ExportedFunction.TryReplace(library, "THSTorch_no_such_function", 1));
    }

    [Fact]
    public void A_function_that_was_replaced_is_not_replaced_again()
    {
        OnlyLinux();
        Assert.True(NativeLibrary.TryLoad("LibTorchSharp", typeof(torch).Assembly, null, out nint library));
        nint ours = NativeLibrary.GetExport(library, "THSTorch_dispose_scalar");
        Assert.False(ExportedFunction.TryReplace(library, "THSTorch_dispose_scalar", NativeLibrary.GetExport(library, "THSTorch_scalar_type")));
        Assert.Equal(ours, NativeLibrary.GetExport(library, "THSTorch_dispose_scalar"));
    }

    private static void OnlyLinux() => Assert.SkipUnless(OperatingSystem.IsLinux(), "The cure is for Linux.");

    private static void Add(CancellationToken stop)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor x = full(1 << 17, 3, ScalarType.Float32), y = full(1 << 17, 4, ScalarType.Float64);

        // At least so often that the runtime compiles TorchSharp's methods with optimization, which the hazard needs.
        for (int i = 0; i < 300 || !stop.IsCancellationRequested; i++)
        {
            using Tensor sum = x + y;
            Assert.Equal(7, sum.data<double>()[i % 1000]);
        }
    }

    private static void Dispose(int count)
    {
        for (int i = 0; i < count; i++)
        {
            ((Scalar)1.5).Dispose();
        }
    }

    /// <summary>In a method of its own, so that nothing on the caller's stack refers to the scalars.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static (nint[] Handles, byte[][] Numbers) Abandon(int count)
    {
        var handles = new nint[count];
        for (int i = 0; i < count; i++)
        {
            handles[i] = (nint)HandleOf.Invoke((Scalar)(i + 0.25), null)!;
        }

        return (handles, [.. handles.Select(h => Bytes(h).ToArray())]);
    }

    private static unsafe ReadOnlySpan<byte> Bytes(nint handle) => new((void*)handle, SizeOfScalar);
}
