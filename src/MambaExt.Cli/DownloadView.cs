using MambaExt.Data;

namespace MambaExt.Cli;

/// <summary>Progress of a download on standard error: a line a file, which on a terminal renews itself.</summary>
internal sealed class DownloadView(TextWriter error, bool live)
{
    private const long Step = 1 << 20;
    private string _file = "";
    private long _shown;

    public void Report(PublishedFile file, long bytes)
    {
        bool isNew = _file != file.Name;
        if (!isNew && (!live || (bytes - _shown < Step && bytes != file.Bytes)))
        {
            return;
        }

        (_file, _shown) = (file.Name, bytes);
        string size = file.Bytes is { } all ? $"{bytes:N0} of {all:N0} bytes" : $"{bytes:N0} bytes";
        if (live)
        {
            error.Write($"\r\x1b[K{file.Name}: {size}{(bytes == file.Bytes ? "\n" : "")}");
        }
        else
        {
            error.WriteLine($"{file.Name}: {(file.Bytes is { } length ? $"{length:N0} bytes" : "size unknown")}");
        }
    }
}
