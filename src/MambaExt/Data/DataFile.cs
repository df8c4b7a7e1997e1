using MambaExt.Kernels;

namespace MambaExt.Data;

/// <summary>Opens data files with messages that help.</summary>
internal static class DataFile
{
    public static byte[] ReadAllBytes(string path)
    {
        BadFile.ThrowIfMissing(path);
        long length = new FileInfo(path).Length;
        return length <= Array.MaxLength
            ? File.ReadAllBytes(path)
            : throw BadFile.At(Path.GetFileName(path), 0, $"{length} bytes", $"at most {Array.MaxLength} bytes", "split the file");
    }
}
