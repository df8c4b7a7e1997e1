namespace MambaExt.Kernels;

/// <summary>Writes a file so that its name only ever holds a complete one: beside it, flushed to the disk, then renamed.</summary>
public static class PartialFile
{
    /// <summary>What a name ends with while its file is being written.</summary>
    public const string Suffix = ".partial";

    /// <summary>Lets <paramref name="write"/> fill the new file and puts it at <paramref name="path"/>, over an older one.</summary>
    public static void Write(string path, Action<Stream> write)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        ArgumentNullException.ThrowIfNull(write);
        string partial = path + Suffix;

        // Opened outside the try: where another process is writing this file, its half must not be deleted.
        FileStream stream = new(partial, FileMode.Create, FileAccess.ReadWrite, FileShare.None, 1 << 16);
        try
        {
            using (stream)
            {
                write(stream);
                stream.Flush(flushToDisk: true);
            }

            File.Move(partial, path, overwrite: true);
        }
        catch
        {
            File.Delete(partial); // half a file is of no use to anyone; the error goes on
            throw;
        }
    }
}
