using MambaExt.Kernels.Cuda;
using Xunit;

namespace MambaExt.Kernels.Tests.Cuda;

/// <summary>The compiler of GPU kernels, where this machine has one.</summary>
internal static class Nvrtc
{
    private static readonly Lazy<(NvrtcLibrary? Library, string? Missing)> Found = new(() =>
    {
        try
        {
            return (NvrtcSearch.Library(new Version(99, 0)), null);
        }
        catch (CudaException e)
        {
            return (null, e.Message);
        }
    });

    /// <summary>Skips the test where there is none.</summary>
    public static NvrtcLibrary OrSkip()
    {
        Assert.SkipWhen(Found.Value.Missing is not null, Found.Value.Missing ?? "");
        return Found.Value.Library!;
    }
}
