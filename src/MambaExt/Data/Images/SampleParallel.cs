using MambaExt.Native;
using TorchSharp;

namespace MambaExt.Data.Images;

/// <summary>Spreads the samples of a batch over threads: each is computed alone, so their number changes no result.</summary>
internal static unsafe class SampleParallel
{
    /// <summary>Calls <paramref name="body"/> with ranges (from, to) that together are 0 ... <paramref name="samples"/> - 1.</summary>
    public static void For(int samples, Action<int, int> body)
    {
        int threads = Math.Min(Compute.Threads, samples);
        if (threads <= 1)
        {
            body(0, samples);
            return;
        }

        // A few ranges a thread, so that none waits long for the others.
        int ranges = Math.Min(4 * threads, samples);
        try
        {
            Parallel.For(0, ranges, new ParallelOptions { MaxDegreeOfParallelism = threads }, r => body((int)((long)samples * r / ranges), (int)((long)samples * (r + 1) / ranges)));
        }
        catch (AggregateException error)
        {
            // Whoever reads one image at a time gets the same error.
            System.Runtime.ExceptionServices.ExceptionDispatchInfo.Throw(error.InnerExceptions[0]);
        }
    }

    /// <summary>A new float32 tensor whose first dimension is the samples, filled by <paramref name="body"/> (start, from, to); disposed where that fails.</summary>
    public static torch.Tensor Fill(long[] shape, Action<nint, int, int> body)
    {
        torch.Tensor tensor = torch.empty(shape);
        try
        {
            nint start = TensorPointer.Of(tensor);
            For((int)shape[0], (from, to) => body(start, from, to));
            return tensor;
        }
        catch
        {
            // An image that does not decode must not cost the memory of its batch.
            tensor.Dispose();
            throw;
        }
    }

    /// <summary>Numbers of a tensor that the caller keeps alive.</summary>
    public static Span<float> Floats(nint start, long offset, int count) => new((float*)start + offset, count);
}
