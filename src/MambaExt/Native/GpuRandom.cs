using TorchSharp;
using static TorchSharp.torch;

namespace MambaExt.Native;

/// <summary>
/// Random numbers of a GPU (dropout) from the CPU's generator: TorchSharp can seed a GPU's generator but not read its state, so whoever must
/// draw the same numbers again seeds it from a number that can be kept.
/// </summary>
internal static class GpuRandom
{
    /// <summary>A seed from the CPU's generator, whose state is part of every checkpoint.</summary>
    public static long Draw()
    {
        using Tensor drawn = randint(long.MaxValue, 1);
        return drawn.item<long>();
    }

    /// <summary>Seeds the generators of all GPUs where <paramref name="device"/> is one; the CPU's is left as it is.</summary>
    public static void Seed(Device device, long seed)
    {
        if (device.type == DeviceType.CUDA)
        {
            cuda.manual_seed_all(seed);
        }
    }
}
