namespace MambaExt.Kernels.Cuda;

/// <summary>One kernel, ready for a driver.</summary>
/// <param name="Symbol">Its name in the image, as the compiler mangles it</param>
/// <param name="Image">Machine code (an ELF file), or PTX text that ends with a zero byte</param>
/// <param name="Log">What the compiler said: registers, spills, warnings</param>
internal sealed record CompiledKernel(string Symbol, byte[] Image, string Log);
